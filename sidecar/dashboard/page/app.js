// Draws the dashboard from `/api/…`. Whatever comes from there is put into the page as text, never as markup.
// In VS Code's panel the extension asks the server for it; in a browser this page does, with a key for its tab.
// No module in the browser: for one Chromium sends an Origin, and whatever has an Origin is refused.
'use strict';

const KEY = 'sidecar-dashboard-key';
const SVG = 'http://www.w3.org/2000/svg';
const SERIES = ['s1', 's2', 's3', 's4', 's5', 's6', 's7'];
const vscode = globalThis.acquireVsCodeApi?.();

// ── asking ──────────────────────────────────────────────────────────────────────────────────────────

const failure = (message, status = 0) => Object.assign(new Error(message), { status });

const waiting = new Map();
if (vscode) {
  addEventListener('message', ({ data }) => {
    const { resolve, reject } = waiting.get(data?.id) ?? {};
    waiting.delete(data?.id);
    if (data?.error !== undefined) reject?.(failure(data.error));
    else resolve?.(JSON.parse(data.text));
  });
}

let lastId = 0;
function throughEditor(target) {
  return new Promise((resolve, reject) => {
    lastId += 1;
    waiting.set(lastId, { resolve, reject });
    vscode.postMessage({ id: lastId, target });
  });
}

async function overHttp(target, headers) {
  const answer = await fetch(target, { headers, cache: 'no-store', credentials: 'omit', redirect: 'error' }).catch(() => {
    throw failure('Sidecar does not answer any more. Start it again (`sidecar serve`, or the editor), then refresh.');
  });
  const told = await answer.json().catch(() => undefined);
  if (!answer.ok || told === undefined) throw failure(told?.error?.message ?? `The server answered ${answer.status}.`, answer.status);
  return told;
}

function ask(target) {
  if (vscode) return throughEditor(target);
  const key = sessionStorage.getItem(KEY);
  return overHttp(target, key ? { 'x-api-key': key } : {});
}

/** A one-time code in the address is changed for a key; it is taken out of the address whatever becomes of it. */
async function signIn() {
  const code = new URLSearchParams(location.hash.slice(1)).get('code');
  if (vscode || !code) return;
  history.replaceState(null, '', location.pathname);
  const { key } = await overHttp('/api/session', { 'x-sidecar-code': code });
  sessionStorage.setItem(KEY, key);
}

// ── making elements ─────────────────────────────────────────────────────────────────────────────────

function fill(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) if (value !== undefined && value !== false) element.setAttribute(name, value);
  element.append(...children.flat(3).filter((child) => child !== undefined && child !== null && child !== ''));
  return element;
}
const h = (tag, attributes = {}, ...children) => fill(document.createElement(tag), attributes, children);
const s = (tag, attributes = {}, ...children) => fill(document.createElementNS(SVG, tag), attributes, children);
/** Words in which what stands between backticks is a command. */
const words = (tag, className, text) => h(tag, { class: className }, text.split('`').map((part, i) => (i % 2 ? h('code', {}, part) : part)));

const whole = new Intl.NumberFormat();
const compact = new Intl.NumberFormat(undefined, { notation: 'compact', maximumFractionDigits: 1 });
const clock = new Intl.DateTimeFormat(undefined, { hour: '2-digit', minute: '2-digit', second: '2-digit' });
const moment = new Intl.DateTimeFormat(undefined, { month: 'short', day: 'numeric', hour: '2-digit', minute: '2-digit' });
const shortDay = new Intl.DateTimeFormat(undefined, { month: 'short', day: 'numeric' });
const count = (n, one, many = `${one}s`) => `${whole.format(n)} ${n === 1 ? one : many}`;
const money = (n) => `${n < 0 ? '−' : ''}$${Math.abs(n).toFixed(n !== 0 && Math.abs(n) < 0.1 ? 4 : 2)}`;
const percent = (share) => `${(100 * share).toFixed(share === 1 || share === 0 ? 0 : 1)} %`;
const seconds = (n) => (n < 10 ? `${n.toFixed(2)} s` : n < 120 ? `${n.toFixed(1)} s` : `${Math.floor(n / 60)} min ${Math.round(n % 60)} s`);
const ms = (n) => (n === null ? '–' : n < 1000 ? `${Math.round(n)} ms` : seconds(n / 1000));
const maybe = (n, show) => (n === null ? '–' : show(n));
const day = (text) => { const [y, m, d] = text.split('-').map(Number); return shortDay.format(new Date(y, m - 1, d)); };
const at = (time) => h('time', { datetime: new Date(time * 1000).toISOString() }, moment.format(time * 1000));
const tag = (kind, text) => h('span', { class: `tag is-${kind}` }, text);

const BANDS = { low: ['quiet', 'Low risk'], medium: ['warn', 'Some risk'], high: ['hot', 'High risk'], critical: ['bad', 'Very high risk'] };
const band = (name) => tag(...(BANDS[name] ?? ['quiet', name]));
const cases = (score) => { const n = Math.round(score * 100); return n < 1 ? 'fewer than 1 of 100' : n > 99 ? 'more than 99 of 100' : `${n} of 100`; };

/** A table that can be scrolled by itself; a column is [head, cell of a row, class]. The first one heads its row. */
function table(caption, columns, rows, look = '') {
  const cell = (tagName, [, show, className], row) => h(tagName, { class: className, scope: tagName === 'th' ? 'row' : undefined }, show(row));
  return h('div', { class: `scroll ${look}`, tabindex: '0', role: 'region', 'aria-label': caption },
    h('table', {}, h('caption', {}, caption),
      h('thead', {}, h('tr', {}, columns.map(([head, , className]) => h('th', { scope: 'col', class: className }, head)))),
      h('tbody', {}, rows.map((row) => h('tr', {}, columns.map((column, i) => cell(i ? 'td' : 'th', column, row)))))));
}

function meter(share) {
  const bar = h('i');
  bar.style.width = `${Math.max(0, Math.min(1, share)) * 100}%`;
  return h('span', { class: 'meter', 'aria-hidden': 'true' }, bar);
}

const tiles = (pairs) => h('dl', { class: 'tiles' }, pairs.map(([name, value, more]) => h('div', {}, h('dt', {}, name), h('dd', { class: value.length > 14 ? 'long' : undefined }, value, more ? h('small', {}, more) : ''))));

// ── charts: drawn anew at the width that there is; a table beside each holds the same ───────────────

const drawn = new ResizeObserver((entries) => {
  for (const { target, contentRect } of entries) {
    if (contentRect.width > 0) target.draw(Math.round(contentRect.width));
    else if (!target.isConnected) drawn.unobserve(target);
  }
});

/** A round number above the largest value. */
function ceiling(largest) {
  if (!(largest > 0)) return 1;
  const power = 10 ** Math.floor(Math.log10(largest));
  return [1, 1.5, 2, 3, 4, 5, 6, 8, 10].map((step) => step * power).find((top) => top >= largest);
}

/**
 * A chart. `series` are { name, mark, values }, stacked as bars or, with `curves`, each a line (null: no value there).
 * `labels` name the columns, `show` writes a value, `said` is what a screen reader says of it all.
 */
function chart({ title, labels, series, show, said, curves = false, top, ticks = labels }) {
  const box = h('div', { class: 'plot' });
  const sum = (i) => series.reduce((total, { values }) => total + Math.max(0, values[i] ?? 0), 0);
  const largest = curves ? Math.max(0, ...series.flatMap(({ values }) => values.filter((value) => value !== null))) : Math.max(0, ...labels.map((_, i) => sum(i)));
  const high = top ?? ceiling(largest);
  box.draw = (width) => {
    const [height, foot, head, left] = [132, 18, 8, 46];
    const y = (value) => head + (height - head) * (1 - value / high);
    const step = (width - left) / Math.max(1, labels.length);
    const middle = (i) => left + step * (i + 0.5);
    const counted = series.every(({ values }) => values.every((value) => value === null || Number.isInteger(value)));
    const marks = counted && !Number.isInteger(high / 2) ? [0, high] : [0, high / 2, high];
    const lines = marks.map((value) => [
      s('line', { class: 'grid', x1: left, x2: width, y1: y(value), y2: y(value) }),
      s('text', { x: left - 6, y: y(value) + 4, 'text-anchor': 'end' }, show(value)),
    ]);
    const columns = labels.map((label, i) => {
      let base = 0;
      const wide = Math.max(1, Math.min(28, step * 0.72));
      const parts = series.map(({ mark, values }) => {
        const value = values[i];
        if (value === null || value === undefined) return undefined;
        if (curves) return s('circle', { class: `dot ${mark}`, cx: middle(i), cy: y(value), r: labels.length > 45 ? 1.5 : 2.5 });
        if (!(value > 0)) return undefined;
        const [from, to] = [y(base), y((base += value))];
        return s('rect', { class: `bar ${mark}`, x: middle(i) - wide / 2, width: wide, y: to, height: Math.max(0.75, from - to - (to > head && series.length > 1 ? 0.75 : 0)) });
      });
      const told = series.filter(({ values }) => values[i] !== null && values[i] !== undefined).map(({ name, values }) => `${name} ${show(values[i])}`);
      return s('g', { class: 'column' }, s('title', {}, [label, ...told].join('\n')), s('rect', { class: 'hit', x: left + step * i, width: step, y: head, height: height - head }), parts);
    });
    const paths = curves ? series.map(({ mark, values }) => {
      const points = values.flatMap((value, i) => (value === null ? [] : [`${middle(i).toFixed(1)},${y(value).toFixed(1)}`]));
      return s('polyline', { class: `curve ${mark}`, points: points.join(' ') });
    }) : [];
    const ends = labels.length > 1 ? [[0, 'start', left], [labels.length - 1, 'end', width]] : [[0, 'middle', middle(0)]];
    const below = labels.length ? ends.map(([i, anchor, x]) => s('text', { x, y: height + foot - 3, 'text-anchor': anchor }, ticks[i])) : [];
    box.replaceChildren(s('svg', { width, height: height + foot, viewBox: `0 0 ${width} ${height + foot}`, role: 'img', 'aria-label': said }, lines, paths, columns, below));
  };
  drawn.observe(box);
  const legend = series.length > 1 ? series.map(({ name, mark }) => h('li', { class: mark }, h('i'), name)) : [];
  return h('figure', {}, h('figcaption', {}, title), h('ul', { class: 'legend', 'aria-hidden': 'true' }, legend), box);
}

// ── the sections ────────────────────────────────────────────────────────────────────────────────────

const STATES = { ready: ['good', 'Ready'], starting: ['warn', 'Starting'], degraded: ['bad', 'Needs attention'] };
const INDEX = { ready: ['good', 'Ready'], building: ['warn', 'Building'], none: ['quiet', 'None yet'], off: ['quiet', 'Off'] };
const PROVIDERS = { databricks: 'Databricks', azure_anthropic: 'Azure Anthropic', anthropic: 'Anthropic', openai: 'OpenAI-compatible', offline: 'Offline' };

let again = 0;
function showNow({ status, review }) {
  const { index } = status;
  clearTimeout(again);
  if (index.state === 'building' || status.state === 'starting') again = setTimeout(() => void refresh(SECTIONS.slice(0, 1)), 3_000);
  document.getElementById('workspace').textContent = status.workspace;
  document.title = `Sidecar · ${status.workspace.split(/[\\/]/).filter(Boolean).at(-1) ?? ''}`;
  const threads = Object.entries(review.threads).map(([name, n]) => `${n} ${BANDS[name]?.[1].toLowerCase() ?? name}`).join(', ');
  const risk = review.note ? [tag('quiet', 'No review'), review.note] : review.band ? [band(review.band), `${cases(review.score)} changes like it were repaired later`] : [tag('good', 'No change'), 'nothing to review'];
  return [
    status.message ? h('p', { class: 'error' }, status.message) : '',
    tiles([
      ['Health', tag(...(STATES[status.state] ?? ['quiet', status.state]))],
      ['Provider', PROVIDERS[status.provider] ?? status.provider],
      ['Model', status.model || 'as asked for'],
      ['Endpoint', status.port ? `:${status.port}` : 'not listening', status.base_url],
      ['Index', tag(...(INDEX[index.state] ?? ['quiet', index.state])), index.note || `${count(index.files, 'file')}, ${count(index.symbols, 'symbol')}`],
      ['Open threads', whole.format(review.open_threads), threads],
      ['Change', ...risk],
      ['Version', status.version],
    ]),
  ];
}

const TURN = { done: ['good', 'done'], error: ['bad', 'failed'], left: ['quiet', 'client left'] };
const tokens = (row) => row.input + row.output + row.cache_read + row.cache_write;
const cost = (row) => `${money(row.cost)}${row.unpriced ? ' +' : ''}`;

function usageColumns(head, key) {
  return [
    [head, key, 'name'],
    ['Requests', (r) => whole.format(r.requests), 'number'],
    ['Failed', (r) => whole.format(r.failed), 'number'],
    ['Input', (r) => compact.format(r.input), 'number'],
    ['Output', (r) => compact.format(r.output), 'number'],
    ['Cache read', (r) => compact.format(r.cache_read), 'number'],
    ['Cache write', (r) => compact.format(r.cache_write), 'number'],
    ['Cost', cost, 'number'],
    ['Saved', (r) => money(r.provider_cache_saved + r.own_cache_saved), 'number'],
    ['p50', (r) => ms(r.p50), 'number'],
    ['p95', (r) => ms(r.p95), 'number'],
  ];
}

function usageCharts({ by_day: days, by_model: models, shares }) {
  const labels = days.map(({ key }) => key);
  const base = { labels, ticks: labels.map(day) };
  const of = (name, mark, field) => ({ name, mark, values: days.map((row) => row[field]) });
  const sum = (pick) => days.reduce((total, row) => total + pick(row), 0);
  const share = new Map(shares.map((one) => [`${one.day} ${one.model}`, one.cost]));
  const costs = models.map(({ key }, i) => ({ name: key, mark: SERIES[Math.min(i, SERIES.length - 1)], values: labels.map((label) => share.get(`${label} ${key}`) ?? 0) }));
  const done = { name: 'done', mark: 'good', values: days.map((row) => row.requests - row.failed - row.left) };
  return h('div', { class: 'charts' },
    chart({ ...base, title: 'Tokens a day', show: (n) => compact.format(n), said: `Tokens a day, ${compact.format(sum(tokens))} in all`,
      series: [of('input', 's1', 'input'), of('output', 's2', 'output'), of('cache read', 's3', 'cache_read'), of('cache write', 's4', 'cache_write')] }),
    chart({ ...base, title: 'Cost a day, by model', show: money, said: `Cost a day by model, ${money(sum((row) => row.cost))} in all`, series: costs }),
    chart({ ...base, title: 'Time to the whole answer', show: (n) => ms(n), curves: true, said: 'Median and 95th percentile of the time to the whole answer, day by day',
      series: [of('half within (p50)', 's1', 'p50'), of('95 % within (p95)', 's2', 'p95')] }),
    chart({ ...base, title: 'Requests a day', show: (n) => compact.format(n), said: `Requests a day, ${sum((row) => row.requests)} in all, ${sum((row) => row.failed)} failed`,
      series: [done, of('failed', 'bad', 'failed'), of('client left', 'quiet', 'left')] }),
    chart({ ...base, title: 'Saved by caches a day', show: money, said: `Saved by caches, ${money(sum((row) => row.provider_cache_saved + row.own_cache_saved))} in all`,
      series: [of("provider's cache", 's3', 'provider_cache_saved'), of('own cache', 's4', 'own_cache_saved')] }));
}

function showUsage({ usage, turns: { turns }, status }) {
  const { total } = usage;
  if (!total.requests && !turns.length) {
    return words('p', 'empty', status.recorded ? 'Nothing was asked yet. Start Claude Code against this workspace: `sidecar claude`, or a new terminal in VS Code.' : 'Requests are not noted here: records are switched off (`SIDECAR_RECORDS`), or there is no state folder.');
  }
  const errors = Object.entries(usage.errors);
  return [
    tiles([
      ['Requests', whole.format(total.requests), `${whole.format(total.failed)} failed, ${whole.format(total.left)} left by the client`],
      ['Tokens', compact.format(tokens(total)), `${compact.format(total.input)} in, ${compact.format(total.output)} out, ${compact.format(total.cache_read)} read from cache`],
      ['Cost', cost(total), total.unpriced ? `${count(total.unpriced, 'request')} without a known price` : 'at list prices, or yours'],
      ['Saved by caches', money(total.provider_cache_saved + total.own_cache_saved), `${money(total.own_cache_saved)} by ${count(total.own_cache_hits, 'kept answer')}`],
      ['Whole answer', ms(total.p50), `half within this; 95 % within ${ms(total.p95)}`],
      ['First byte', ms(total.first_p50), 'half within this'],
    ]),
    usageCharts(usage),
    total.requests ? table('By model', usageColumns('Model', (r) => r.key), usage.by_model) : h('p', { class: 'empty' }, 'Nothing was asked in this time.'),
    errors.length ? table('Why requests failed', [['Error', ([kind]) => kind, 'name'], ['Requests', ([, n]) => whole.format(n), 'number']], errors, 'slim') : '',
    h('details', {}, h('summary', {}, 'Day by day as a table'), table('Day by day', usageColumns('Day', (r) => r.key), usage.by_day.filter((row) => row.requests).reverse())),
    table('Newest requests', [
      ['When', (t) => at(t.started), 'time'],
      ['Model', (t) => t.model, 'name'],
      ['Outcome', (t) => [tag(...(TURN[t.outcome] ?? ['quiet', t.outcome])), t.error || t.cache === 'hit' || t.cache === 'joined' ? h('small', {}, t.error ? `${t.status ?? ''} ${t.error}` : 'from our cache') : '']],
      ['Input', (t) => maybe(t.input, (n) => compact.format(n)), 'number'],
      ['Output', (t) => maybe(t.output, (n) => compact.format(n)), 'number'],
      ['Cache read', (t) => maybe(t.cache_read, (n) => compact.format(n)), 'number'],
      ['Cost', (t) => maybe(t.cost, money), 'number'],
      ['Time', (t) => ms(t.ms), 'number'],
      ['Request id', (t) => t.id, 'ident'],
    ], turns),
  ];
}

const RUN = { passed: 'good', failed: 'bad', 'timed out': 'bad', error: 'bad' };

function showTests({ tests: { runs, looked_at: looked, failing, slowest } }) {
  if (!runs.length) return words('p', 'empty', 'No test was run from here yet: run `sidecar test`, or let Claude do it with the tool `tests_run`.');
  const [last] = runs;
  const old = [...runs].reverse();
  const of = (name, mark, field) => ({ name, mark, values: old.map((run) => run[field]) });
  const good = runs.filter((run) => run.outcome === 'passed').length;
  return [
    tiles([
      ['Last run', tag(RUN[last.outcome] ?? 'quiet', last.outcome), at(last.started)],
      ['Tests', whole.format(last.passed + last.failed + last.skipped), `${last.passed} passed, ${last.failed} failed, ${last.skipped} skipped`],
      ['Took', seconds(last.seconds), last.runner],
      ['Passing runs', `${good} of ${runs.length}`],
    ]),
    h('div', { class: 'charts' },
      chart({ title: 'Tests by run', labels: old.map((run) => `Run ${run.id}, ${moment.format(run.started * 1000)}`), ticks: old.map((run) => moment.format(run.started * 1000)), show: (n) => compact.format(n),
        said: `The last ${count(runs.length, 'run')}: ${good} passed`, series: [of('passed', 'good', 'passed'), of('failed', 'bad', 'failed'), of('skipped', 'quiet', 'skipped')] })),
    failing.length ? table(`Tests that failed or flip, in the last ${count(looked, 'run')}`, [
      ['Test', (c) => [c.id, c.message ? h('small', {}, c.message.split('\n')[0]) : ''], 'name'],
      ['Failed', (c) => `${c.failed} of ${c.runs}`, 'number'],
      ['Flips', (c) => c.flips, 'number'],
      ['Now', (c) => tag(c.last === 'failed' ? 'bad' : 'good', c.last)],
    ], failing) : h('p', { class: 'note' }, `No test failed in the last ${count(looked, 'run')}.`),
    slowest.length ? h('details', {}, h('summary', {}, 'Slowest tests'), table('Slowest tests, when they last ran', [['Test', (c) => c.id, 'name'], ['Took', (c) => seconds(c.seconds), 'number']], slowest)) : '',
    h('details', {}, h('summary', {}, 'Runs as a table'), table('Runs', [
      ['When', (r) => at(r.started), 'time'], ['Outcome', (r) => tag(RUN[r.outcome] ?? 'quiet', r.outcome)],
      ['Passed', (r) => whole.format(r.passed), 'number'], ['Failed', (r) => whole.format(r.failed), 'number'], ['Skipped', (r) => whole.format(r.skipped), 'number'],
      ['Took', (r) => seconds(r.seconds), 'number'], ['Covered', (r) => maybe(r.covered, percent), 'number'],
    ], runs)),
  ];
}

function showCoverage({ coverage }) {
  if (coverage.total === null) {
    return words('p', 'empty', 'There is no coverage report yet. Let your tests write one (such as `pytest --cov --cov-report=xml`; other places: `WORKSPACE_TEST_COVERAGE_FILES`), then run `sidecar test`.');
  }
  const { trend, files } = coverage;
  const columns = [
    ['File', (f) => f.path, 'name'],
    ['Lines', (f) => [meter(f.share), percent(f.share)], 'number'],
    ['Not run', (f) => f.missed || (f.missed_count ? whole.format(f.missed_count) : '–'), 'words'],
  ];
  const changed = files.filter((file) => file.changed);
  return [
    tiles([
      ['Covered lines', percent(coverage.total), coverage.run ? ['in the run of ', at(coverage.started)] : 'by a report in the workspace'],
      ['Files', whole.format(coverage.file_count), coverage.source],
    ]),
    trend.length > 1 ? h('div', { class: 'charts' }, chart({
      title: 'Covered lines by run', labels: trend.map((one) => `Run ${one.run}, ${moment.format(one.started * 1000)}`), ticks: trend.map((one) => moment.format(one.started * 1000)), show: (n) => `${Math.round(100 * n)} %`, top: 1, curves: true,
      said: `Covered lines from ${percent(trend[0].share)} to ${percent(trend.at(-1).share)}`, series: [{ name: 'covered', mark: 's1', values: trend.map((one) => one.share) }],
    })) : h('p', { class: 'note' }, 'One run says nothing of a trend; it begins with the second.'),
    changed.length ? table('Changed files, the least covered first', columns, changed) : h('p', { class: 'note' }, 'The report speaks of no file that is changed now.'),
    h('details', {}, h('summary', {}, files.length < coverage.file_count ? `The ${files.length} least covered of ${whole.format(coverage.file_count)} files` : 'All files'), table('Files, the least covered first', columns, files)),
    trend.length > 1 ? h('details', {}, h('summary', {}, 'Trend as a table'), table('Covered lines by run', [['When', (one) => at(one.started), 'time'], ['Covered', (one) => percent(one.share), 'number']], [...trend].reverse())) : '',
  ];
}

function showRisk({ review }) {
  if (review.note) return h('p', { class: 'empty' }, review.note);
  if (!review.file_count) return h('p', { class: 'empty' }, 'There is no uncommitted change, so there is nothing to review. This fills when a file is changed.');
  return [
    review.band ? h('p', { class: 'lead' }, band(review.band), ` ${review.sentence}`) : '',
    table(review.title || 'Changed files', [
      ['File', (f) => [f.path, f.old_path && f.old_path !== f.path ? h('small', {}, `was ${f.old_path}`) : ''], 'name'],
      ['Risk', (f) => (f.score === null ? tag('quiet', 'not scored') : [band(f.band), h('small', {}, cases(f.score))])],
      ['Why', (f) => f.reason || f.why || '–', 'words'],
      ['Lines', (f) => `+${f.added} −${f.removed}`, 'number'],
      ['Open threads', (f) => f.threads || '–', 'number'],
    ], review.files),
    review.files.length < review.file_count ? h('p', { class: 'note' }, `The ${review.files.length} riskiest of ${whole.format(review.file_count)} files.`) : '',
  ];
}

// ── the page ────────────────────────────────────────────────────────────────────────────────────────

const SECTIONS = [
  ['now', showNow, ['status', 'review']],
  ['usage', showUsage, ['usage', 'turns', 'status']],
  ['tests', showTests, ['tests']],
  ['coverage', showCoverage, ['coverage']],
  ['risk', showRisk, ['review']],
];
const span = document.getElementById('days');
const button = document.getElementById('refresh');
const notice = document.getElementById('notice');
const addressOf = (name) => `/api/${name}${{ usage: `?days=${span.value}`, turns: '?limit=12' }[name] ?? ''}`;

async function show(name, draw, parts, asked) {
  const body = document.querySelector(`#${name} .body`);
  try {
    const told = Object.fromEntries(await Promise.all(parts.map(async (part) => [part, await asked(part)])));
    body.replaceChildren(...[draw(told)].flat().filter((part) => part !== ''));
  } catch (error) {
    body.replaceChildren(error.status === 401 ? h('p', { class: 'empty' }, 'Not shown.') : words('p', 'error', error.message));
    if (error.status === 401) {
      notice.replaceChildren(
        refused ? h('p', {}, refused) : '',
        words('p', '', 'This page needs a link of its own to show the figures. Get one with `sidecar dashboard --open` in the workspace, or use `Sidecar: Show Dashboard` in VS Code.'));
      notice.hidden = false;
    }
  }
}

let refused = '';
let last = 0;
let seen = 0;
async function refresh(sections = SECTIONS) {
  const mine = (last += 1);
  const asking = new Map();
  const asked = (name) => asking.get(name) ?? asking.set(name, ask(addressOf(name))).get(name);
  button.disabled = true;
  notice.hidden = true;
  await Promise.all(sections.map(([name, draw, parts]) => show(name, draw, parts, asked)));
  if (mine !== last) return;
  button.disabled = false;
  seen = Date.now();
  document.getElementById('as-of').textContent = `As of ${clock.format(new Date())}`;
}

button.addEventListener('click', () => void refresh());
span.addEventListener('change', () => void refresh(SECTIONS.filter(([name]) => name === 'usage')));
document.addEventListener('visibilitychange', () => {
  if (!document.hidden && seen && Date.now() - seen > 60_000) void refresh();
});
void signIn().catch((error) => { refused = error.message; }).then(() => refresh());
