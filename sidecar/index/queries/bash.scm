(function_definition) @function
(declaration_command (variable_assignment name: (variable_name) @bind))
(program (variable_assignment name: (variable_name) @variable))
(command name: (command_name (word) @_s) (#match? @_s "^(source|\\.)$")) @import
(command_name (word) @ref)
(command name: (command_name (word) @_t) . argument: (word) @ref (#eq? @_t "trap"))
(variable_name) @ref
