"""A generator is started, is sent values, and returns one."""

from inspect import getgeneratorstate


def till():
    """A shop's till: yields the running total, is sent prices, and returns the last line of the receipt."""
    print("  till: opened")
    items = 0
    total = 0
    while True:
        price = yield total
        if price is None:
            break
        print(f"  till: rang up {price}")
        items += 1
        total += price
    print("  till: closed")
    return f"{items} items, {total} to pay"


def countdown(start):
    while start > 0:
        yield start
        start -= 1


# Calling the function runs none of it; the first resume can only be next(): no yield waits for a value yet.
sale = till()
print("made:", getgeneratorstate(sale))
try:
    sale.send(4)
except TypeError as error:
    print("TypeError:", error)

print("next:", next(sale))
print("started:", getgeneratorstate(sale))

# A value sent in is what `yield` evaluates to; what comes back is the next value yielded.
for price in (4, 10, 7):
    print("send:", sale.send(price))

# next() sends None; this till takes that as the end, and what it returns travels in StopIteration.
try:
    next(sale)
except StopIteration as end:
    print("returned:", end.value)
print("ended:", getgeneratorstate(sale))

# A loop calls next() and ends at StopIteration.
for number in countdown(3):
    print("countdown:", number)

# A generator that nobody needs any more is closed where it stands.
half_done = countdown(10)
print("next:", next(half_done))
half_done.close()
print("closed:", getgeneratorstate(half_done))
