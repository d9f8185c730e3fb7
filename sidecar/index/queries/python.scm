; Captures are explained in grammars.py.
(function_definition) @function
(class_definition) @class
(class_definition superclasses: (argument_list [(identifier) (attribute)] @base))
[(lambda) (list_comprehension) (set_comprehension) (dictionary_comprehension) (generator_expression)] @scope
(assignment left: (identifier) @bind)
(pattern_list (identifier) @bind)
(tuple_pattern (identifier) @bind)
(list_pattern (identifier) @bind)
(named_expression name: (identifier) @bind)
(for_statement left: (identifier) @bind)
(for_in_clause left: (identifier) @bind)
(as_pattern_target (identifier) @bind)
(as_pattern_target (tuple (identifier) @bind))
(parameters (identifier) @bind)
(lambda_parameters (identifier) @bind)
(default_parameter name: (identifier) @bind)
(typed_parameter (identifier) @bind)
(typed_default_parameter name: (identifier) @bind)
(list_splat_pattern (identifier) @bind)
(dictionary_splat_pattern (identifier) @bind)
(global_statement (identifier) @outer)
(nonlocal_statement (identifier) @outer)
(assignment left: (attribute object: (identifier) @_self attribute: (identifier) @member) (#eq? @_self "self"))
(pattern_list (attribute object: (identifier) @_self attribute: (identifier) @member) (#eq? @_self "self"))
(tuple_pattern (attribute object: (identifier) @_self attribute: (identifier) @member) (#eq? @_self "self"))
(list_pattern (attribute object: (identifier) @_self attribute: (identifier) @member) (#eq? @_self "self"))
(type_alias_statement left: (type [(identifier) @type (generic_type (identifier) @type)]))
(keyword_argument name: (identifier) @skip)
[(import_statement) (import_from_statement)] @import
(identifier) @ref
(_ type_parameters: (type_parameter (type (identifier) @parameter)))
(type (string (string_content) @quoted))
