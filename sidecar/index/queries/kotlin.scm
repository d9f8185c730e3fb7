(class_declaration "interface") @interface
(class_declaration (modifiers (class_modifier) @_m) (#eq? @_m "enum")) @enum
(class_declaration) @class
(object_declaration) @class
(enum_entry (identifier) @constant)
(function_declaration) @function
(type_alias type: (identifier) @type)
(class_parameter (identifier) @field)
(delegation_specifier [(user_type (identifier) @base) (constructor_invocation (user_type (identifier) @base))])
(property_declaration (variable_declaration (identifier) @bind))
(multi_variable_declaration (variable_declaration (identifier) @bind))
(when_subject (variable_declaration (identifier) @bind))
(catch_block (identifier) @bind)
(parameter (identifier) @bind)
(for_statement (variable_declaration (identifier) @bind))
(lambda_parameters (variable_declaration (identifier) @bind))
[(lambda_literal) (anonymous_function) (anonymous_initializer) (secondary_constructor) (getter) (setter)] @scope
(import) @import
(package_header (_) @skip)
(identifier) @ref
(type_parameter (identifier) @parameter)
