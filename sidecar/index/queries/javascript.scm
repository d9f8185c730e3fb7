(formal_parameters (identifier) @bind)
(field_definition) @field
(class_heritage [(identifier) (member_expression)] @base)
