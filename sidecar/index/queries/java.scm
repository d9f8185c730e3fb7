[(class_declaration) (record_declaration)] @class
[(interface_declaration) (annotation_type_declaration)] @interface
(enum_declaration) @enum
[(method_declaration) (annotation_type_element_declaration)] @method
[(constructor_declaration) (compact_constructor_declaration)] @constructor
(field_declaration declarator: (variable_declarator) @field)
(constant_declaration declarator: (variable_declarator) @constant)
(enum_constant) @constant
(superclass (_) @base)
(super_interfaces (type_list (_) @base))
(extends_interfaces (type_list (_) @base))
(local_variable_declaration declarator: (variable_declarator name: (identifier) @bind))
(formal_parameter name: (identifier) @bind)
(spread_parameter (variable_declarator name: (identifier) @bind))
(enhanced_for_statement name: (identifier) @bind)
(catch_formal_parameter name: (identifier) @bind)
(resource name: (identifier) @bind)
(inferred_parameters (identifier) @bind)
(lambda_expression parameters: (identifier) @bind)
(instanceof_expression name: (identifier) @bind)
(type_pattern (_) (identifier) @bind)
(record_pattern_component (_) (identifier) @bind)
[(lambda_expression) (static_initializer)] @scope
(class_body (block) @scope)
(import_declaration) @import
(package_declaration (_) @skip)
(identifier) @ref
(type_identifier) @ref.type
(type_parameter . (type_identifier) @parameter)
