(create_table) @table
[(create_view) (create_materialized_view)] @view
[(create_function) (create_procedure)] @function
(create_type) @type
(create_schema (identifier) @module)
(create_trigger) @trigger
(create_index column: (identifier) @index)
(column_definition name: [(identifier) (literal)] @column)
((literal) @ref (#match? @ref "^\""))
(identifier) @ref
