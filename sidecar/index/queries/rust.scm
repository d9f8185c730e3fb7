[(function_item) (function_signature_item)] @function
(struct_item) @struct
(enum_item) @enum
(union_item) @union
(trait_item) @trait
[(type_item) (associated_type)] @type
(mod_item) @module
(macro_definition) @macro
[(const_item) (enum_variant)] @constant
(static_item) @variable
(field_declaration) @field
(impl_item) @impl
(impl_item trait: [(type_identifier) (generic_type) (scoped_type_identifier)] @base)
(trait_item bounds: (trait_bounds [(type_identifier) (generic_type) (scoped_type_identifier)] @base))
(let_declaration pattern: (identifier) @bind)
(let_condition pattern: (identifier) @bind)
(parameter pattern: (identifier) @bind)
(for_expression pattern: (identifier) @bind)
(closure_parameters (identifier) @bind)
(tuple_pattern (identifier) @bind)
(tuple_struct_pattern type: (_) . (identifier) @bind)
(mut_pattern (identifier) @bind)
(captured_pattern . (identifier) @bind)
[(ref_pattern (identifier) @bind) (slice_pattern (identifier) @bind) (field_pattern pattern: (identifier) @bind)]
(field_pattern name: (shorthand_field_identifier) @bind)
(closure_expression) @scope
(use_declaration) @import
(mod_item !body) @import
[(identifier) (shorthand_field_identifier)] @ref
(type_identifier) @ref.type
(field_identifier) @ref.member
(type_parameter name: (type_identifier) @parameter)
(const_parameter name: (identifier) @parameter)
