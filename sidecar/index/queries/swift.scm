(class_declaration declaration_kind: "struct") @struct
(class_declaration declaration_kind: "enum") @enum
(class_declaration declaration_kind: "extension") @impl
(class_declaration declaration_kind: ["class" "actor"]) @class
(protocol_declaration) @interface
[(function_declaration) (protocol_function_declaration)] @function
[(init_declaration) (subscript_declaration)] @scope
(protocol_property_declaration name: (pattern bound_identifier: (simple_identifier) @field))
(enum_entry name: (simple_identifier) @constant)
(typealias_declaration) @type
(inheritance_specifier inherits_from: (user_type (type_identifier) @base))
(property_declaration name: (pattern bound_identifier: (simple_identifier) @bind))
(parameter name: (simple_identifier) @bind)
(lambda_literal) @scope
(import_declaration) @import
(value_argument_label (simple_identifier) @skip)
(simple_identifier) @ref
(type_identifier) @ref.type
(type_parameter (type_identifier) @parameter)
