(class_definition) @class
[(object_definition) (package_object)] @class
(trait_definition) @trait
(enum_definition) @enum
[(simple_enum_case) (full_enum_case)] @constant
[(function_definition) (function_declaration)] @function
(type_definition) @type
(class_parameter name: (identifier) @field)
(extends_clause (type_identifier) @base)
(extends_clause (generic_type (type_identifier) @base))
(val_definition pattern: (identifier) @bind)
(var_definition pattern: (identifier) @bind)
[(val_declaration name: (identifier) @bind) (var_declaration name: (identifier) @bind)]
(tuple_pattern (identifier) @bind)
(case_class_pattern pattern: (identifier) @bind)
[(typed_pattern pattern: (identifier) @bind) (capture_pattern name: (identifier) @bind)]
(parameter name: (identifier) @bind)
(lambda_expression (bindings (binding name: (identifier) @bind)))
(lambda_expression parameters: (identifier) @bind)
(enumerator (identifier) @bind)
[(lambda_expression) (for_expression) (extension_definition)] @scope
[(val_definition value: (block) @scope) (var_definition value: (block) @scope)]
(given_definition name: (identifier) @bind)
(import_declaration) @import
(package_identifier (identifier) @skip)
(identifier) @ref
(type_identifier) @ref.type
(type_parameters name: (identifier) @parameter)
