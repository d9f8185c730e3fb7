; What JavaScript and TypeScript have in common.
[(function_declaration) (generator_function_declaration)] @function
[(class_declaration) (class)] @class
(method_definition) @method
(variable_declarator name: (identifier) value: [(arrow_function) (function_expression) (generator_function)]) @function
(assignment_expression
  left: (member_expression property: (property_identifier)) right: [(arrow_function) (function_expression)]) @function
(variable_declarator name: (identifier) @bind)
[(arrow_function) (function_expression) (generator_function) (class_static_block)] @scope
(object_pattern (shorthand_property_identifier_pattern) @bind)
(object_assignment_pattern left: (shorthand_property_identifier_pattern) @bind)
(pair_pattern value: (identifier) @bind)
(array_pattern (identifier) @bind)
(rest_pattern (identifier) @bind)
(assignment_pattern left: (identifier) @bind)
(for_in_statement left: (identifier) @bind)
(catch_clause parameter: (identifier) @bind)
(arrow_function parameter: (identifier) @bind)
(assignment_expression left: (member_expression object: (this) property: (property_identifier) @member))
(import_statement) @import
(export_statement source: (string)) @import
(variable_declarator
  value: (call_expression function: (identifier) @_f arguments: (arguments . (string))) (#eq? @_f "require")) @import
(call_expression function: (import) arguments: (arguments . (string))) @import
[(identifier) (shorthand_property_identifier)] @ref
[(property_identifier) (private_property_identifier)] @ref.member
