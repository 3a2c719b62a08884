"""Several errors at once: a tree of them, of which each handler takes what it is for."""


def tree():
    return ExceptionGroup(
        "upload",
        [
            ValueError("bad name"),
            ExceptionGroup("disk", [OSError(28, "No space left on device"), ValueError("bad size")]),
            OSError(5, "Input/output error"),
        ],
    )


def leaves(error):
    if not isinstance(error, BaseExceptionGroup):
        return [str(error)]
    return [text for each in error.exceptions for text in leaves(each)]


def show(what, group):
    print(f"  {what}: {', '.join(leaves(group))}" if group else f"  {what}: nothing")


def main():
    print("- the tree")
    print(" ", tree())
    show("leaves", tree())

    print("- split in two, each with the shape that it had")
    match, rest = tree().split(OSError)
    show("match", match)
    print("  of these at the top:", len(match.exceptions), "and below:", len(match.exceptions[0].exceptions))
    show("rest", rest)
    show("none of these", tree().subgroup(KeyError))

    print("- each clause takes its own, and what is left goes on")
    try:
        try:
            raise tree()
        except* OSError as group:
            show("os errors", group)
    except* ValueError as group:
        show("left for the outer one", group)

    print("- an error that is no group is treated as one")
    try:
        raise ValueError("alone")
    except* (ValueError, TypeError) as group:
        print(f"  {len(group.exceptions)} in the group: {group.exceptions[0]}")

    print("- what a handler raises joins what is left")
    try:
        try:
            raise tree()
        except* OSError:
            raise LookupError("handler")
    except ExceptionGroup as group:
        print("  now:", len(group.exceptions), "at the top")
        show("leaves", group)


main()
