(method) @function
(singleton_method) @function
(class) @class
(module) @module
(assignment left: (constant) @constant)
(assignment left: [(instance_variable) (class_variable)] @member)
(superclass (_) @base)
(call method: (identifier) @_i arguments: (argument_list (constant) @base) (#match? @_i "^(include|extend|prepend)$"))
(call method: (identifier) @_a arguments: (argument_list (simple_symbol) @field) (#match? @_a "^attr_"))
(call
  method: (identifier) @_d arguments: (argument_list . [(simple_symbol) @function (string (string_content) @function)])
  (#match? @_d "^(define_method|alias_method)$"))
(alias name: (_) @function)
(assignment left: (identifier) @bind)
(left_assignment_list (identifier) @bind)
(method_parameters (identifier) @bind)
(block_parameters (identifier) @bind)
(optional_parameter name: (identifier) @bind)
(keyword_parameter name: (identifier) @bind)
(splat_parameter name: (identifier) @bind)
(block_parameter name: (identifier) @bind)
[(block) (do_block) (lambda)] @scope
(call method: (identifier) @_r arguments: (argument_list . (string)) (#match? @_r "^(require|require_relative|load)$")) @import
[(identifier) (constant) (instance_variable) (class_variable)] @ref
