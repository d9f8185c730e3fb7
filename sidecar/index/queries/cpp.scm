(class_specifier name: (_) body: (_)) @class
(namespace_definition name: (_)) @module
[(alias_declaration) (concept_definition)] @type
(field_declaration declarator: (function_declarator)) @method
(field_declaration declarator: (pointer_declarator declarator: (function_declarator))) @method
(field_declaration declarator: (reference_declarator (function_declarator))) @method
(declaration declarator: (reference_declarator (function_declarator))) @function
(declaration !type declarator: (function_declarator declarator: (destructor_name))) @function
(class_specifier
  name: (type_identifier) @_c
  body: (field_declaration_list
    (declaration !type declarator: (function_declarator declarator: (identifier) @_n)) @function) (#eq? @_c @_n))
(struct_specifier
  name: (type_identifier) @_c
  body: (field_declaration_list
    (declaration !type declarator: (function_declarator declarator: (identifier) @_n)) @function) (#eq? @_c @_n))
(_ [(preproc_if (declaration !type) @function) (preproc_ifdef (declaration !type) @function)])
(template_declaration (declaration !type) @function)
(declaration
  declarator: [(qualified_identifier)
    (init_declarator declarator: (qualified_identifier))
    (init_declarator declarator: (array_declarator declarator: (qualified_identifier)))]) @field
(structured_binding_declarator (identifier) @bind)
(lambda_capture_initializer left: (identifier) @bind)
(type_parameter_declaration (type_identifier) @parameter)
(template_parameter_list [(parameter_declaration declarator: (identifier) @parameter) (optional_parameter_declaration declarator: (identifier) @parameter)])
(template_declaration) @template
(base_class_clause [(type_identifier) (template_type) (qualified_identifier)] @base)
(reference_declarator (identifier) @bind)
(for_range_loop declarator: (identifier) @bind)
(optional_parameter_declaration declarator: (identifier) @bind)
(lambda_expression) @scope
(namespace_identifier) @ref
