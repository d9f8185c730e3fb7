/** Which changed files the server is told of. Pure. */

const NOISE = /\/(node_modules|__pycache__|\.venv|\.tox|\.mypy_cache|\.ruff_cache|\.pytest_cache)\//;
const GIT_STATE = /\/\.git\/(HEAD|index|packed-refs|logs\/HEAD)$/;

/** Whether a change of this path can change what is to be reviewed: not caches, and of git only what says where it stands. */
export function isWorthTelling(path: string): boolean {
  return path.includes('/.git/') ? GIT_STATE.test(path) : !NOISE.test(path);
}
