(class_specifier name: (_) body: (_)) @class
(namespace_definition name: (_)) @module
(alias_declaration) @type
(field_declaration declarator: (function_declarator)) @method
(base_class_clause (type_identifier) @base)
(reference_declarator (identifier) @bind)
(for_range_loop declarator: (identifier) @bind)
(optional_parameter_declaration declarator: (identifier) @bind)
(lambda_expression) @scope
(namespace_identifier) @ref
