(function_declaration) @function
[(method_declaration) (method_elem)] @method
(type_spec type: (struct_type)) @struct
(type_spec type: (interface_type)) @interface
[(type_spec) (type_alias)] @type
(field_declaration name: (field_identifier) @field)
(field_declaration !name type: [(type_identifier) (generic_type)] @base)
(interface_type (type_elem . (type_identifier) @base .))
(const_spec (identifier) @bind)
(var_spec name: (identifier) @bind)
(short_var_declaration left: (expression_list (identifier) @bind))
(range_clause left: (expression_list (identifier) @bind))
(receive_statement left: (expression_list (identifier) @bind))
(type_switch_statement alias: (expression_list (identifier) @bind))
(parameter_declaration name: (identifier) @bind)
(variadic_parameter_declaration name: (identifier) @bind)
(func_literal) @scope
(import_spec) @import
[(identifier) (package_identifier)] @ref
(type_identifier) @ref.type
(field_identifier) @ref.member
(type_parameter_declaration name: (identifier) @parameter)
