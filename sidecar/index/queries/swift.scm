(class_declaration declaration_kind: "struct") @struct
(class_declaration declaration_kind: "enum") @enum
(class_declaration declaration_kind: "extension") @impl
(class_declaration declaration_kind: ["class" "actor"]) @class
(protocol_declaration) @interface
[(function_declaration) (protocol_function_declaration)] @function
[(init_declaration) (subscript_declaration)] @scope
(protocol_property_declaration name: (pattern bound_identifier: (simple_identifier) @field))
(enum_entry name: (simple_identifier) @constant)
[(typealias_declaration) (associatedtype_declaration)] @type
(macro_declaration (simple_identifier) @macro)
(inheritance_specifier inherits_from: (user_type (type_identifier) @base))
(_ bound_identifier: (simple_identifier) @bind)
(property_declaration name: (pattern (pattern (simple_identifier) @bind)))
(parameter name: (simple_identifier) @bind)
[(lambda_literal) (computed_property) (deinit_declaration) (willset_didset_block)] @scope
(parameter external_name: (simple_identifier) @skip)
(import_declaration) @import
(value_argument_label (simple_identifier) @skip)
(simple_identifier) @ref
(type_identifier) @ref.type
(type_parameter (type_identifier) @parameter)
