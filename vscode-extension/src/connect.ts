/** What terminals are given, and how Claude Code is told of our tools. Pure: does not import `vscode`. */

/** The token under a name that Claude Code fills into MCP headers: its own credentials it keeps out of them. */
const TOOLS_TOKEN = 'CLAUDE_SIDECAR_TOKEN';

/** The variables of a terminal whose Claude Code is answered by the server at this address. */
export function terminalVariables(baseUrl: string, token: string): Record<string, string> {
  return { ANTHROPIC_BASE_URL: baseUrl, ANTHROPIC_AUTH_TOKEN: token, [TOOLS_TOKEN]: token };
}

/** The words behind `claude`. Neither address nor token is written down: Claude Code fills them in from the terminal's variables. */
export function connecting(): readonly string[] {
  const address = ['--transport', 'http', 'sidecar', '${ANTHROPIC_BASE_URL}/mcp'];
  return ['mcp', 'add', ...address, '--header', `Authorization: Bearer \${${TOOLS_TOKEN}}`];
}
