"""`yield from`: values, a return value and an exception pass through three levels."""


class PhoneRings(Exception):
    pass


def page(number, lines):
    """Yields its lines; is sent True for a line worth a mark; returns the number of marks."""
    marks = 0
    try:
        for line in lines:
            if line == "":
                raise ValueError(f"page {number} is torn")
            liked = yield line
            if liked:
                marks += 1
    finally:
        print(f"  page {number} turned")
    return marks


def chapter(title, pages):
    marks = 0
    for number, lines in pages:
        try:
            marks += yield from page(number, lines)
        except PhoneRings as call:
            yield f"(bookmark at page {number}: {call})"
    print(f"  chapter '{title}' read")
    return marks


def book(chapters):
    marks = 0
    for title, pages in chapters:
        marks += yield from chapter(title, pages)
    return marks


def bind():
    return book(
        [
            ("Harbour", [(1, ["The fog lifts.", "A bell answers."]), (2, ["Ropes.", "Rust."])]),
            ("Open sea", [(3, ["Wind at last!", "Nothing but blue."])]),
        ]
    )


# Sent values go straight to the innermost level, and its yields come straight back.
print("- read with a pencil")
reading = bind()
line = next(reading)
try:
    while True:
        print(line)
        line = reading.send(line.endswith(("bell answers.", "last!")))
except StopIteration as end:
    print("marks:", end.value)

# A thrown exception arrives at the innermost yield, and climbs until a level handles it.
print("- the phone rings")
reading = bind()
print(next(reading))
print(reading.throw(PhoneRings("wrong number")))
print(next(reading))
reading.close()

# An error that no level handles reaches whoever resumed the outermost, and ends them all.
print("- a torn page")
reading = book([("Storm", [(4, ["Thunder.", ""])])])
print(next(reading))
try:
    next(reading)
except ValueError as error:
    print("ValueError:", error)
