"""A person who does what a hint says: nothing more, and to the letter."""

from __future__ import annotations

import re

_WRITTEN = re.compile(
    r"lines? (?P<first>\d+)(?: to (?P<last>\d+))? as (?P<lines>" + '"' + r'.*?"(?:(?:, | and below it )".*?")*)'
    r"(?=$|, lines? \d|, and take out |, or as )"
)
_BLOCK = re.compile(
    r'write "(?P<key>\w+): (?P<mark>[|>])" in line (?P<line>\d+), and below it the text, each of its lines with '
)
_KEY_LINE = re.compile(
    r"(?:add the time: such as |put \w+ \w+ them: )?(?:write )?"
    r'"(\w+: .*?)"(?: and "(timezone: .*?)")?(?=$| \(| or |, or )'
)
_INDENTED = re.compile(r"start lines? (\d+)(?: to (\d+))? with (\w+) spaces?")
_NUMBERS = {"two": 2, "three": 3, "four": 4}


def followed(text: str, hint: str, message: str = "") -> str:
    """The text of a sidecar, when the hint of a finding was followed; AssertionError where it does not say what to do."""
    lines = re.split("\r\n|\n|\r", text)
    hint = re.sub(r"^from \w+ \d+ \w+ \d+, when it was written: ", "", hint)
    if match := re.match(r'did you mean "([^"]+)"\?|write "([a-z_]+)"$', hint):
        return _renamed(lines, message, match[1] or match[2])
    if match := _KEY_LINE.match(hint):
        return _key_line(lines, match[1], match[2])
    if match := re.match(r'write one line instead of the two: (?:from .*?: )?"(scheduled_time: .*?)"', hint):
        numbers = re.search(r"lines (\d+) and (\d+)", message)
        assert numbers is not None
        lines[int(numbers[1]) - 1] = match[1]
        del lines[int(numbers[2]) - 1]
        return "\n".join(lines)
    if match := re.match(r'leave timezone out and write "(scheduled_time: .*?)"', hint):
        return _key_line([one for one in lines if not one.startswith("timezone:")], match[1], None)
    if match := re.match(r"take (\w+) out: ", hint):
        return "\n".join(one for one in lines if not one.startswith(f"{match[1]}:"))
    return _edited(lines, hint)


def _edited(lines: list[str], hint: str) -> str:
    edits: list[tuple[int, int, list[str]]] = []
    for match in _WRITTEN.finditer(hint):
        first, last = int(match["first"]), int(match["last"] or match["first"])
        edits.append((first, last, re.split('"(?:, | and below it )"', match["lines"][1:-1])))
    if found := re.search(r'write line (\d+) as "content: \|", and start lines', hint):
        edits.append((int(found[1]), int(found[1]), ["content: |"]))
    if found := re.search("take out lines? (.+)$", hint):
        spans = [[int(number) for number in span.split(" to ")] for span in re.split(", | and ", found[1])]
        edits += [(span[0], span[-1], []) for span in spans]
    if found := _INDENTED.search(hint):
        spaces, numbers = " " * _NUMBERS[found[3]], range(int(found[1]), int(found[2] or found[1]) + 1)
        written = {number: lines[number - 1].strip() for number in numbers}
        edits += [(number, number, [spaces + one if one else ""]) for number, one in written.items()]
    if found := re.search(r"take it out of line (\d+)", hint):
        edits.append((int(found[1]), int(found[1]), [""]))
    if found := _BLOCK.search(hint):
        edits.append(_block(lines, int(found["line"]), found["key"], found["mark"]))
    assert edits, f"it does not say what to write: {hint}"
    for first, last, texts in sorted(edits, reverse=True):
        lines[first - 1 : last] = texts
    return "\n".join(lines)


def _block(lines: list[str], line: int, key: str, mark: str) -> tuple[int, int, list[str]]:
    """The text beside a key, up to what is plainly another key."""
    last = next(
        (n for n in range(line, len(lines)) if re.match("(platforms|media|scheduled_time|timezone):", lines[n])),
        len(lines),
    )
    value = re.sub(r"^\s*\w+:\s*(?:[|>]\s*)?", "", lines[line - 1])
    texts = [one.strip() for one in (value, *lines[line:last])]
    while texts and not texts[-1]:
        texts.pop()
    return line, last, [f"{key}: {mark}", *(f"  {one}" if one else "" for one in texts)]


def _renamed(lines: list[str], message: str, name: str) -> str:
    """What the message quotes, in the line that it names, under the name that may have been meant."""
    quoted = re.search(r'"(.+?)" is (?:not|neither)', message)
    number = re.search(r"line (\d+)", message)
    assert quoted is not None
    assert number is not None
    at = int(number[1]) - 1
    found = quoted[1].encode().decode("unicode_escape") if "\\" in quoted[1] else quoted[1]
    assert found in lines[at], (found, lines[at])
    lines[at] = lines[at].replace(found, name, 1)
    return "\n".join(lines)


def _key_line(lines: list[str], written: str, zone: str | None) -> str:
    """A whole line in place of that of its key, and of what belongs to it; below the others where there is none."""
    key = written.partition(":")[0]
    at = next((n for n, one in enumerate(lines) if one.startswith(f"{key}:")), None)
    if at is None:
        return "\n".join([*lines, written])
    last = at + 1
    while last < len(lines) and lines[last][:1] in (" ", "-"):
        last += 1
    others = [one for one in lines[last:] if not (zone and one.startswith("timezone:"))]
    return "\n".join([*lines[:at], written, *([zone] if zone else []), *others])
