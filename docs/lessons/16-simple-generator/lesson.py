"""A generator as it began: a yield, a next(), a loop, and a tree that is walked by hand."""

from typing import NamedTuple, Optional


class Tree(NamedTuple):
    value: str
    left: Optional["Tree"] = None
    right: Optional["Tree"] = None


def leaf(value):
    return Tree(value)


# What PEP 255 allows: `yield` is a statement, `return` has no value, and all that a caller can say is next().


def halves(number):
    """A number and its halves, down to 1."""
    print("  halves: begins")
    while number > 1:
        yield number
        number //= 2
    yield number
    print("  halves: ends")


def first(wanted, values):
    """As many as `wanted`, and no more is asked for."""
    if wanted == 0:
        return
    for value in values:
        yield value
        wanted -= 1
        if wanted == 0:
            return


def inorder(tree, yields):
    """Each level yields again, by hand, what the level below has yielded. All of them note it in `yields`."""
    if tree is None:
        return
    for value in inorder(tree.left, yields):
        yields.append(value)
        yield value
    yields.append(tree.value)
    yield tree.value
    for value in inorder(tree.right, yields):
        yields.append(value)
        yield value


# What PEP 380 made of it: the same walk delegates, and may return a value, here how many there were.


def inorder_from(tree, yields):
    if tree is None:
        return 0
    before = yield from inorder_from(tree.left, yields)
    yields.append(tree.value)
    yield tree.value
    after = yield from inorder_from(tree.right, yields)
    return before + 1 + after


def counted(tree, yields):
    number = yield from inorder_from(tree, yields)
    print("  returned:", number)


def main():
    # Calling it runs nothing; each next() runs to the next yield, and the end is an exception.
    print("- next")
    numbers = halves(6)
    print("  made")
    print("  next:", next(numbers))
    print("  next:", next(numbers))
    print("  next:", next(numbers))
    for _ in range(2):
        try:
            next(numbers)
        except StopIteration:
            print("  StopIteration")

    # A loop goes on from where the generator stands; one that is never asked again just stays there.
    print("- for")
    numbers = halves(40)
    print("  next:", next(numbers))
    print("  the rest:", *numbers)
    print("  four:", *first(4, halves(1000)))

    # It cannot be resumed while it runs.
    print("- itself")

    def restless():
        yield next(me)

    me = restless()
    try:
        next(me)
    except ValueError as error:
        print("  ValueError:", error)

    # Same values, same order; by hand each value is yielded once more at each level above its own.
    tree = Tree("elm", Tree("birch", leaf("ash"), leaf("cedar")), Tree("oak", leaf("fir"), Tree("yew", leaf("pine"))))
    print("- by hand")
    yields = []
    print(" ", *inorder(tree, yields))
    print("  yields:", len(yields))
    print("- yield from")
    yields = []
    print(" ", *counted(tree, yields))
    print("  yields:", len(yields))


main()
