(function_definition) @function
(declaration type: (_) declarator: (function_declarator)) @function
(declaration declarator: (pointer_declarator declarator: (function_declarator))) @function
(struct_specifier name: (_) body: (_)) @struct
(union_specifier name: (_) body: (_)) @union
(enum_specifier name: (_) body: (_)) @enum
(enumerator) @constant
(type_definition) @type
[(preproc_def) (preproc_function_def)] @macro
(field_declaration declarator: (_)) @field
(field_declaration declarator: (field_identifier) @field)
(declaration declarator: (identifier) @bind)
(init_declarator declarator: (identifier) @bind)
(array_declarator declarator: (identifier) @bind)
(pointer_declarator declarator: (identifier) @bind)
(parameter_declaration declarator: (identifier) @bind)
(preproc_include) @import
(identifier) @ref
(type_identifier) @ref.type
(field_identifier) @ref.member
