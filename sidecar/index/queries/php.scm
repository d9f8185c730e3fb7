(function_definition) @function
(method_declaration) @method
(class_declaration) @class
(interface_declaration) @interface
(trait_declaration) @trait
(enum_declaration) @enum
(enum_case) @constant
(const_element (name) @constant)
(property_element (variable_name (name) @field))
(property_promotion_parameter name: (variable_name (name) @member @bind))
(function_call_expression
  function: (name) @_d arguments: (arguments . (argument (_ (string_content) @constant))) (#eq? @_d "define"))
(base_clause [(name) (qualified_name)] @base)
(class_interface_clause [(name) (qualified_name)] @base)
(use_declaration [(name) (qualified_name)] @base)
(assignment_expression left: (variable_name (name) @bind))
(simple_parameter name: (variable_name (name) @bind))
(foreach_statement (variable_name (name) @bind))
[(anonymous_function) (arrow_function) (property_hook)] @scope
(namespace_use_declaration) @import
[(require_expression) (require_once_expression) (include_expression) (include_once_expression)] @import
(namespace_definition name: (namespace_name (name) @skip))
(member_access_expression name: (name) @ref.member)
(member_call_expression name: (name) @ref.member)
(scoped_call_expression name: (name) @ref.member)
(class_constant_access_expression (name) @ref.member .)
(name) @ref
