[(class_declaration) (record_declaration)] @class
[(interface_declaration) (annotation_type_declaration)] @interface
(enum_declaration) @enum
(method_declaration) @method
(constructor_declaration) @constructor
(field_declaration declarator: (variable_declarator) @field)
(constant_declaration declarator: (variable_declarator) @constant)
(enum_constant) @constant
(superclass (type_identifier) @base)
(super_interfaces (type_list (type_identifier) @base))
(extends_interfaces (type_list (type_identifier) @base))
(local_variable_declaration declarator: (variable_declarator name: (identifier) @bind))
(formal_parameter name: (identifier) @bind)
(spread_parameter (variable_declarator name: (identifier) @bind))
(enhanced_for_statement name: (identifier) @bind)
(catch_formal_parameter name: (identifier) @bind)
(resource name: (identifier) @bind)
(inferred_parameters (identifier) @bind)
(lambda_expression parameters: (identifier) @bind)
(lambda_expression) @scope
(import_declaration) @import
(package_declaration (_) @skip)
(identifier) @ref
(type_identifier) @ref.type
(type_parameter . (type_identifier) @parameter)
