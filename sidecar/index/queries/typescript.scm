(abstract_class_declaration) @class
(interface_declaration) @interface
(type_alias_declaration) @type
(enum_declaration) @enum
(enum_body name: (property_identifier) @constant)
(enum_assignment name: (property_identifier) @constant)
(function_signature) @function
[(method_signature) (abstract_method_signature)] @method
[(public_field_definition) (property_signature)] @field
[(internal_module) (module)] @module
(required_parameter (accessibility_modifier) pattern: (identifier) @member)
(required_parameter pattern: (identifier) @bind)
(optional_parameter pattern: (identifier) @bind)
(extends_clause value: [(identifier) (member_expression)] @base)
(implements_clause [(type_identifier) (generic_type) (nested_type_identifier)] @base)
(extends_type_clause [(type_identifier) (generic_type) (nested_type_identifier)] @base)
(type_identifier) @ref.type
[(function_type) (constructor_type) (call_signature) (construct_signature)] @scope
[(type_parameter name: (type_identifier) @parameter) (infer_type (type_identifier) @parameter)]
(mapped_type_clause name: (type_identifier) @parameter)
