"""Sources of settings for tests: complete sets of variables."""

DATABRICKS = {"DATABRICKS_API_BASE": "https://dbc.example.com", "DATABRICKS_API_KEY": "key-of-databricks"}
AZURE = {"ANTHROPIC_ENDPOINT": "https://azure.example.com/anthropic/v1/messages", "ANTHROPIC_API_KEY": "key-of-azure"}
