"""What was thought to foretell repairs, each a question about the new lines of a production file; `signals` measures them.

Those that were kept stand in `sidecar/risk/hazards/` and are taken from there; these are the others, in their simplest
form that works on single lines.
"""

import re

from sidecar.risk.hazards import condition, copying, encoding, offset, pattern
from sidecar.risk.hazards.seen import Hit

PY, JS, GO, JAVA, RUST = (
    {".py"},
    {".js", ".jsx", ".mjs", ".cjs", ".ts", ".tsx"},
    {".go"},
    {".java"},
    {".rs"},
)


def lines(pattern, *families, flags=0):
    """A question that a line answers alone; `families` are the sets of extensions that it is put to."""
    wanted = re.compile(pattern, flags)
    allowed = set().union(*families) if families else None

    def find(file):
        if allowed is not None and file.extension not in allowed:
            return
        for line in file.statements():
            if wanted.search(line.text):
                yield Hit(line.number, line.number, "")

    return find


def several(*finds):
    def find(file):
        for one in finds:
            yield from one(file)

    return find


def swallowed(file):
    """An error is caught, and nothing is done about it."""
    after = {line.number: line.text.strip() for line in file.whole}
    catch = {
        ".py": re.compile(r"^\s*except\b.*:\s*(pass|\.\.\.)?\s*(#.*)?$"),
    }.get(file.extension, re.compile(r"\bcatch\s*(\([^)]*\))?\s*\{\s*(//.*)?(\})?\s*$"))
    for line in file.statements():
        if found := catch.search(line.text):
            following = after.get(line.number + 1, "x")
            done = found[1] if file.extension == ".py" else line.text.rstrip().endswith("}")
            empty = (
                following.split("#")[0].strip() in {"pass", "...", "continue"}
                if file.extension == ".py"
                else following.startswith("}")
            )
            if done or empty:
                yield Hit(line.number, line.number + (not done), "")


ignored_result = several(
    lines(r"^\s*_ = \w|^\s*[\w, ]+, _ :?= \w", GO),
    lines(r"^\s*let _ = |\.ok\(\);\s*$", RUST),
    lines(r"\.catch\(\s*(\(\w*\)|\w+|function\s*\(\w*\))\s*(=>)?\s*\{\s*\}\s*\)", JS),
)
broad = several(
    lines(r"^\s*except\s*(:|\(?\s*(Base)?Exception\b)", PY),
    lines(r"catch\s*\(\s*(final\s+)?(Exception|Throwable)\b", JAVA),
    lines(r"\brecover\(\)", GO),
    lines(r"catch_unwind", RUST),
)
bare = lines(r"^\s*except\s*:", PY)
unwrap = several(lines(r"\.unwrap\(\)|\.expect\(", RUST), lines(r"\w!(\.|\)|;|,)", {".ts", ".tsx"}))
silenced = lines(
    r"#\s*(type:\s*ignore|noqa|pylint:\s*disable|pragma:)|@ts-(ignore|expect-error|nocheck)|eslint-disable|\bas any\b"
    r"|//\s*nolint|@SuppressWarnings|#!?\[allow\("
)
unsafe = lines(r"\bunsafe\b", RUST, GO, JAVA)
concurrency = lines(
    r"\b([Ll]ock|[Mm]utex|RWMutex|[Ss]emaphore|synchronized|volatile|atomic|Atomic\w+|threading|Condvar|Condition\(|sync\.|WaitGroup)\b"
)
starts_work = lines(
    r"create_task\(|ensure_future\(|\bgo func\b|^\s*go \w|new Thread\(|Thread\(target|tokio::spawn|thread::spawn|nursery\.start_soon"
    r"|setImmediate\(|process\.nextTick\(|executor\.(submit|execute)\("
)
sleep = lines(
    r"\btime\.sleep\(|asyncio\.sleep\(|setTimeout\(|Thread\.sleep\(|time\.Sleep\(|thread::sleep|trio\.sleep\("
)
mutable_default = lines(r"^\s*(async\s+)?def .*=\s*(\[\]|\{\}|set\(\)|list\(\)|dict\(\))", PY)
unclosed = several(
    lines(r"^(?!\s*(with|async with)\b).*(?<![\w.])(open|socket\.socket|urlopen)\(", PY),
    lines(r"=\s*new File(In|Out)putStream\(|=\s*new (FileReader|FileWriter|Socket)\(", JAVA),
    lines(r"os\.(Open|Create|OpenFile)\(|http\.(Get|Post)\(", GO),
    lines(r"fs\.openSync\(|createReadStream\(|createWriteStream\(", JS),
)
many_conditions = lines(r"(\b(and|or)\b|&&|\|\|).*(\b(and|or)\b|&&|\|\|).*(\b(and|or)\b|&&|\|\|)")
nested_choice = lines(r"\?[^:?]*:[^?]*\?[^:]*:|\bif\b.*\belse\b.*\bif\b.*\belse\b", PY, JS, JAVA)
clock = lines(
    r"datetime\.(now|utcnow)|time\.time\(|Date\.now\(|new Date\(|time\.Now\(|System\.(currentTimeMillis|nanoTime)|Instant::now|monotonic\("
)
conversion = lines(
    r"\bparseInt\(|\bparseFloat\(|(?<![\w.])(int|float)\(|\bNumber\(|strconv\.|Integer\.(parse|valueOf)|\bas (u|i)(8|16|32|64|size)\b"
)
environment = lines(r"os\.environ|os\.getenv|process\.env|os\.Getenv|System\.getenv|env::var")
reflection = lines(
    r"\b(getattr|setattr|hasattr)\(|__dict__|__class__|\beval\(|\bexec\(|reflect\.|\.getClass\(|Object\.defineProperty|__proto__|\.prototype\."
)
fallback = lines(r"\bor (\{\}|\[\]|''|\"\"|None|0)|\|\| (\{\}|\[\]|''|\"\"|0|null)|\?\? ")
platform = lines(r"sys\.(platform|version_info)|os\.name|process\.platform|runtime\.GOOS|cfg\(windows\)|\bPY[23]\b")
cleanup = lines(
    r"^\s*finally\b|\bdefer\b|\.close\(|\.cancel\(|\.destroy\(|\bDrop for\b|__del__|__exit__|__aexit__|\.shutdown\("
)
indexing = lines(r"\[[^\]]*[+-]\s*1\s*\]|\[\s*-?\d+\s*\]|\.slice\(|\.substring?\(|\[\w*\s*:\s*[^\]]*\]")
off_by_one = lines(r"(?<![\w.])[+-] ?1\b(?!\d|\.)|<=|>=")
global_state = lines(r"^\s*global \w|static mut\b|\bwindow\.|globalThis|^\s*nonlocal \w|lazy_static!")
cache = lines(r"\bcache|memoize|lru_cache|memo\b", flags=re.IGNORECASE)
http_header = lines(
    r"[Cc]ontent-(Length|Type|Encoding)|[Tt]ransfer-[Ee]ncoding|\bheaders?\[|\.getHeader\(|\.setHeader\("
)
magic_number = lines(r"(?<![\w.\"'#])(?!1000\b|1024\b|100\b)\d{3,}(?![\w.\"'])")
slice_of_two = lines(r"\[[^\]:\"']+:[^\]:\"']+\](?!\s*=\s*\{)", PY, GO, RUST)


def todo(file):
    """A note that something is not done yet, and the three lines behind it."""
    new = {line.number for line in file.whole}
    for line in file.lines:
        if re.search(r"\b(TODO|FIXME|XXX|HACK)\b", line.text):
            end = line.number
            while end < line.number + 3 and end + 1 in new:
                end += 1
            yield Hit(line.number, end, "")


_DEFINITION = re.compile(
    r"^\s*(?:(?:async\s+)?def\s+(?P<py>[a-zA-Z]\w*)\s*(?P<py_a>\(.*)|func\s+(?:\([^)]*\)\s*)?(?P<go>[A-Z]\w*)\s*(?P<go_a>\(.*)"
    r"|(?:export\s+)?(?:default\s+)?(?:async\s+)?function\s*\*?\s*(?P<js>[A-Za-z$]\w*)\s*(?P<js_a>\(.*)"
    r"|(?:[\w.]+\.)?(?P<jp>[A-Za-z]\w*)\s*[=:]\s*(?:async\s+)?function\b[^(]*(?P<jp_a>\(.*)"
    r"|(?:public|protected)\s+[\w<>\[\], .?]*?(?P<java>\w+)\s*(?P<java_a>\(.*)"
    r"|pub\s+(?:async\s+)?(?:unsafe\s+)?fn\s+(?P<rs>\w+)\s*(?P<rs_a>[<(].*))"
)


def definitions(texts):
    found = {}
    for at, text in enumerate(texts):
        if match := _DEFINITION.match(text):
            said = {key: value for key, value in match.groupdict().items() if value is not None}
            name = next(value for key, value in said.items() if not key.endswith("_a"))
            found[name] = (
                at,
                "".join(next(value for key, value in said.items() if key.endswith("_a")).split()).rstrip(":{"),
            )
    return found


def signature(file):
    """The parameters of a function that others can call are not what they were."""
    for hunk in file.hunks:
        old, new = definitions(hunk.removed), definitions(hunk.added)
        for name in old.keys() & new.keys():
            if old[name][1] != new[name][1]:
                at = hunk.new_start + new[name][0]
                yield Hit(at, at, "")


def signature_and_body(file):
    for hit in signature(file):
        yield Hit(hit.start, hit.start + 5, "")


_EXIT = re.compile(r"\b(raise|throw|panic!?|assert|return\s+(nil,\s*)?(err|Err\()|bail!|abort)\b|\breturn\s+.*\berr\b")
_CATCH = re.compile(r"\b(except|catch|rescue|recover\(|finally|if err != nil)\b")
_IF = re.compile(r"^\s*(\}?\s*else\s+)?(el)?(if|while)\b")


def _lost(pattern):
    def find(file):
        for hunk in file.hunks:
            before = sum(pattern.search(text) is not None for text in hunk.removed)
            after = sum(pattern.search(text) is not None for text in hunk.added)
            if before > after and hunk.added:
                yield Hit(hunk.new_start, hunk.new_start + len(hunk.added) - 1, "")

    return find


lost_exit, lost_catch, lost_condition = _lost(_EXIT), _lost(_CATCH), _lost(_IF)


def condition_changed(file):
    """A condition is replaced by another one."""
    for hunk in file.hunks:
        old = [text.strip() for text in hunk.removed if _IF.match(text)]
        for at, text in enumerate(hunk.added):
            if old and _IF.match(text) and text.strip() not in old:
                yield Hit(hunk.new_start + at, hunk.new_start + at, "")


def long_condition_changed(file):
    """A condition is replaced by one of two or more terms."""
    for hunk in file.hunks:
        old = [text.strip() for text in hunk.removed if _IF.match(text)]
        for at, text in enumerate(hunk.added):
            if old and _IF.match(text) and text.strip() not in old and re.search(r"\band\b|\bor\b|&&|\|\|", text):
                yield Hit(hunk.new_start + at, hunk.new_start + at, "")


def negation_changed(file):
    """A condition is replaced by one that says not, or no longer does."""
    negated = re.compile(r"\bnot\b|!(?!=)|!=|\bunless\b")
    for hunk in file.hunks:
        old = [text for text in hunk.removed if _IF.match(text)]
        new = [(at, text) for at, text in enumerate(hunk.added) if _IF.match(text)]
        for before, (at, text) in zip(old, new, strict=False):
            if len(negated.findall(before)) != len(negated.findall(text)):
                yield Hit(hunk.new_start + at, hunk.new_start + at, "")


_NUMBERS = re.compile(r"\d+|<=|>=|<|>|[+-]\s*1\b|\s+")


def boundary(file):
    """A line of which only numbers or comparisons differ from the one that it replaces."""
    for hunk in file.hunks:
        if len(hunk.removed) == len(hunk.added):
            for at, (old, new) in enumerate(zip(hunk.removed, hunk.added, strict=True)):
                if (
                    old != new
                    and "".join(old.split()) != "".join(new.split())
                    and _NUMBERS.sub("", old) == _NUMBERS.sub("", new)
                ):
                    yield Hit(hunk.new_start + at, hunk.new_start + at, "")


def copied(file):
    """Six lines or more that stand twice among the new ones."""
    texts = [(line.number, line.text.strip()) for line in file.whole if len(line.text.strip()) > 3]
    places = {}
    for at in range(len(texts) - 5):
        places.setdefault(tuple(text for _, text in texts[at : at + 6]), []).append(at)
    told = set()
    for found in places.values():
        if len(found) > 1:
            for at in found[1:]:
                told.update(number for number, _ in texts[at : at + 6])
    for number in sorted(told):
        yield Hit(number, number, "")


def large_block(file):
    """A stretch of forty new lines or more."""
    for hunk in file.hunks:
        if len(hunk.added) >= 40:
            yield Hit(hunk.new_start, hunk.new_start + len(hunk.added) - 1, "")


def deep(file):
    """A line that is nested six levels deep."""
    for line in file.statements():
        wide = line.text.expandtabs(4)
        step = 2 if file.extension in JS | JAVA else 4
        if len(wide) - len(wide.lstrip()) >= 6 * step and line.text.strip():
            yield Hit(line.number, line.number, "")


CANDIDATES = {
    "an error is swallowed": swallowed,
    "a result or error is thrown away (Go, Rust, .catch)": ignored_result,
    "everything is caught": broad,
    "bare except": bare,
    "unwrap, expect, non-null !": unwrap,
    "a checker is silenced": silenced,
    "unsafe": unsafe,
    "locks and atomics": concurrency,
    "concurrent work is started": starts_work,
    "waiting for a time": sleep,
    "mutable default argument": mutable_default,
    "a resource is opened without a closing form": unclosed,
    "three and/or in a line": many_conditions,
    "a choice inside a choice": nested_choice,
    "a regular expression": pattern.find,
    "encoding of text": encoding.find,
    "the clock is read": clock,
    "number from text, narrowing": conversion,
    "environment variable": environment,
    "reflection": reflection,
    "silent fall-back (or {}, ||, ??)": fallback,
    "platform or version asked": platform,
    "clean-up (close, cancel, finally)": cleanup,
    "index or slice": indexing,
    "plus or minus one, <=, >=": off_by_one,
    "global state": global_state,
    "a cache": cache,
    "a copy of an object": copying.find,
    "HTTP framing headers": http_header,
    "a bare number of three digits": magic_number,
    "TODO added (and three lines)": todo,
    "public signature changed": signature,
    "public signature changed (and five lines)": signature_and_body,
    "error exit taken away": lost_exit,
    "error handler taken away": lost_catch,
    "condition taken away": lost_condition,
    "condition changed": condition_changed,
    "only a number or comparison changed": boundary,
    "copied block": copied,
    "condition changed, of several terms": long_condition_changed,
    "condition with a term more": condition.find,
    "condition changed, in its negation": negation_changed,
    "index with plus or minus one": offset.find,
    "slice with two bounds": slice_of_two,
    "forty new lines in a row": large_block,
    "six levels deep": deep,
}
