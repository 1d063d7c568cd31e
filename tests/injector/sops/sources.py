"""YAML as people write it, from a seed: every style, comments at every place, several documents."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

from tests.injector.sops.generated import KEYS, NUMBERS, SPELLINGS, TEXTS

if TYPE_CHECKING:
    from random import Random

_PLAIN_KEY = re.compile("[A-Za-z][A-Za-z0-9_. ]*[A-Za-z0-9_]")
NOTES = (
    *(" a note", " sops:enc", " sops:plain", "tight", " ünï", " a: b", " - x", "", " ", "#"),
    *("\ttab", " trailing ", " 'quote", " # twice", " key: [1, 2]", "!important", " 🔑"),
)
_BLOCKS = (
    "text",
    "two\nlines",
    "a\n\nb",
    "# no comment",
    "  deeper",
    "key: value",
    "é",
    "x\n  y\nz",
)
_PLAINS = ("text", "a b", "http://x.y/z?a=b", "ünï", "v1.2.3", "a#b", "it's", "-1x", "x:y")
_MERGED = "<<"


class YamlWriter:
    """Writes one file; lines are lists of texts so that blocks can be moved to the right."""

    def __init__(self, random: Random) -> None:
        self._random = random
        self._step = random.choice((2, 2, 2, 4, 4, 1, 3))
        self._level_lists = random.random() < 0.4
        self._notes = random.choice((0.0, 0.1, 0.3, 0.5))
        self._anchors = 0

    def file(self) -> bytes:
        """Write one to three documents."""
        random, lines = self._random, list[str]()
        count = random.choice((1,) * 10 + (2, 3))
        lines += random.choice(
            ([], [], [], ["---"], ["# head", ""], ["# head", "---"], ["", "# a", "", "# b", ""])
        )
        for index in range(count):
            if index:
                lines += random.choice(
                    (["---"], ["# between", "---"], ["---", "# below"], ["...", "---"])
                )
            self._anchors = 0
            lines += self._mapping(random.randint(1, 7), 0)
        text = "\n".join(lines) + random.choice(
            ("\n", "\n", "\n", "", "\n\n", "\n# end\n", "\n\n# end\n# more\n")
        )
        return text.encode()

    def _maybe(self, chance: float) -> bool:
        return self._random.random() < chance

    def _note(self) -> str:
        return f"#{self._random.choice(NOTES)}"

    def _behind(self) -> str:
        return f" {self._note()}" if self._maybe(self._notes / 2) else ""

    def _between(self) -> list[str]:
        """Give comments, blank lines and comments that stand too far left or right."""
        found = []
        while self._maybe(self._notes / 2):
            found.append(
                self._random.choice(
                    (self._note(), self._note(), self._note(), "", f"  {self._note()}")
                )
            )
        return found

    def _key(self) -> str:
        return self._random.choice(KEYS)

    def _written_key(self, key: str) -> str:
        if _PLAIN_KEY.fullmatch(key) and key != "on" and self._maybe(0.8):
            return key
        return json.dumps(key, ensure_ascii=False)

    def _mapping(self, size: int, depth: int) -> list[str]:
        lines, seen = list[str](), set[str]()
        for _ in range(size):
            key = self._key()
            if key in seen:
                continue
            seen.add(key)
            lines += self._between()
            lines += self._entry(f"{self._written_key(key)}:", depth)
        if self._anchors and self._maybe(0.1):
            lines.append(f"{_MERGED}: *a{self._random.randint(1, self._anchors)}")
        lines += self._between()
        return lines if seen else ["k: v"]

    def _entry(self, head: str, depth: int) -> list[str]:
        """Write what stands behind `key:`."""
        kind = self._random.random()
        if depth < 4 and kind < 0.18:
            inner = self._mapping(self._random.randint(1, 4), depth + 1)
            anchor = " &unused" if self._maybe(0.08) else ""
            return [head + anchor + self._behind(), *self._moved(inner, self._step)]
        if depth < 4 and kind < 0.36:
            inner = self._sequence(depth + 1)
            step = 0 if self._level_lists else self._step
            return [head + self._behind(), *self._moved(inner, step)]
        if kind < 0.42:
            return [f"{head} {self._flow(depth)}{self._behind()}"]
        if kind < 0.5:
            return self._block(head)
        return [f"{head} {self._scalar()}{self._behind()}".rstrip(" ")]

    def _moved(self, lines: list[str], step: int) -> list[str]:
        return [" " * step + line if line else line for line in lines]

    def _sequence(self, depth: int) -> list[str]:
        lines = list[str]()
        for _ in range(self._random.randint(1, 4)):
            lines += self._between()
            kind = self._random.random()
            if depth < 4 and kind < 0.2:
                first, *rest = self._inner(self._mapping(self._random.randint(1, 3), depth + 1))
                lines += [f"- {first}", *self._moved(rest, 2)]
            elif depth < 4 and kind < 0.3:
                first, *rest = self._inner(self._sequence(depth + 1))
                lines += [f"- {first}", *self._moved(rest, 2)]
            elif kind < 0.4:
                lines += self._block("-")
            else:
                lines.append(f"- {self._scalar()}{self._behind()}".rstrip(" "))
        return [*lines, *self._between()]

    def _inner(self, lines: list[str]) -> list[str]:
        """Let a block begin on its dash's line: with no comment."""
        while lines and (not lines[0].strip() or lines[0].lstrip().startswith("#")):
            lines = lines[1:]
        return lines or ["x"]

    def _block(self, head: str) -> list[str]:
        mark = self._random.choice(("|", "|-", "|+", ">", ">-", ">+"))
        text = self._random.choice(_BLOCKS)
        hint = "2" if text.startswith(" ") else ""
        blank = self._random.choice(([], [], [""]))
        body = [f"  {line}" if line else line for line in text.split("\n")]
        return [f"{head} {mark[0]}{hint}{mark[1:]}{self._behind()}", *body, *blank]

    def _scalar(self) -> str:
        random, kind = self._random, self._random.random()
        if kind < 0.3:
            return json.dumps(random.choice(TEXTS), ensure_ascii=False)
        if kind < 0.4:
            text = random.choice([text for text in TEXTS if "\n" not in text and "\t" not in text])
            return "'" + text.replace("'", "''") + "'"
        if kind < 0.83:
            return random.choice((random.choice(SPELLINGS), str(random.choice(NUMBERS))))
        return self._shared() if kind < 0.88 else random.choice(_PLAINS)

    def _shared(self) -> str:
        """Give an anchor, or an alias of one that was."""
        if self._anchors and self._maybe(0.5):
            return f"*a{self._random.randint(1, self._anchors)}"
        self._anchors += 1
        return f"&a{self._anchors} {self._random.choice(('x', '1', 'null'))}"

    def _flow(self, depth: int) -> str:
        if depth > 3 or self._maybe(0.3):
            return self._random.choice(("[]", "{}", "[1, x]", "{a: 1, b: [x]}", '["", null]'))
        items = [
            self._random.choice(("1", "x", '"q, r"', "null", "{}", self._flow(depth + 1)))
            for _ in range(3)
        ]
        if self._maybe(0.5):
            return f"[{', '.join(items)}]"
        return "{" + ", ".join(f"k{index}: {item}" for index, item in enumerate(items)) + "}"
