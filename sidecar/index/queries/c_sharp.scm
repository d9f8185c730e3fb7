[(class_declaration) (record_declaration)] @class
(interface_declaration) @interface
(struct_declaration) @struct
(enum_declaration) @enum
(enum_member_declaration) @constant
[(namespace_declaration) (file_scoped_namespace_declaration)] @module
(method_declaration) @method
(local_function_statement) @function
(constructor_declaration) @constructor
(delegate_declaration) @type
(property_declaration) @property
(event_declaration) @field
(field_declaration (variable_declaration (variable_declarator) @field))
(event_field_declaration (variable_declaration (variable_declarator) @field))
(base_list [(identifier) (generic_name) (qualified_name)] @base)
(base_list (primary_constructor_base_type type: (_) @base))
(local_declaration_statement (variable_declaration (variable_declarator name: (identifier) @bind)))
(parameter name: (identifier) @bind)
(foreach_statement left: (identifier) @bind)
(catch_declaration name: (identifier) @bind)
[(declaration_pattern name: (identifier) @bind) (declaration_expression name: (identifier) @bind)]
[(tuple_pattern name: (identifier) @bind) (from_clause name: (identifier) @bind)]
[(lambda_expression) (anonymous_method_expression) (indexer_declaration) (operator_declaration)
 (conversion_operator_declaration) (destructor_declaration)] @scope
(using_directive) @import
(identifier) @ref
(type_parameter name: (identifier) @parameter)
