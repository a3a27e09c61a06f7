#!/usr/bin/env python3
"""The prime factors of a number: a job's program that is busy with a processor.

Reads {"number": "600851475143"} on standard input.  Says on standard output,
a line each:
    {"progress": {"found": ["71", "839"], "left": "10086647"}}
    {"result": {"factors": ["71", "839", "1471", "6857"]}}
Leaves with 0, or, when the number is none, with 100: no use in trying again.
Numbers are texts, since JSON's readers have no room for long ones.
"""
import json
import math
import random
import sys

DISCARD = 100
SMALL_PRIMES = [p for p in range(2, 1000) if all(p % d for d in range(2, math.isqrt(p) + 1))]
# With these witnesses the primality test is certain below 3.3e24; above that it is
# wrong extremely rarely.
WITNESSES = SMALL_PRIMES[:13]
STEPS_PER_LOOK = 128


def say(**members):
    print(json.dumps(members), flush=True)


def is_prime(n):
    """Miller and Rabin; n has no small factor."""
    odd, twos = n - 1, 0
    while odd % 2 == 0:
        odd, twos = odd // 2, twos + 1
    for witness in WITNESSES:
        x = pow(witness, odd, n)
        if x in (1, n - 1):
            continue
        for _ in range(twos - 1):
            x = x * x % n
            if x == n - 1:
                break
        else:
            return False
    return True


def find_divisor(n):
    """Pollard's rho as Brent has it; n is composite."""
    while True:
        y, c = random.randrange(1, n), random.randrange(1, n)
        divisor, product, power = 1, 1, 1
        while divisor == 1:
            x = y
            for _ in range(power):
                y = (y * y + c) % n
            for start in range(0, power, STEPS_PER_LOOK):
                before = y
                for _ in range(min(STEPS_PER_LOOK, power - start)):
                    y = (y * y + c) % n
                    product = product * abs(x - y) % n
                divisor = math.gcd(product, n)
                if divisor != 1:
                    break
            power *= 2
        if divisor == n:  # went past the divisor: repeat the last steps one by one
            divisor, y = 1, before
            while divisor == 1:
                y = (y * y + c) % n
                divisor = math.gcd(abs(x - y), n)
        if divisor != n:
            return divisor


def factorize(n):
    found = []
    for prime in SMALL_PRIMES:
        while n % prime == 0:
            found.append(prime)
            n //= prime
    composites = [n] if n > 1 else []
    while composites:
        say(progress={"found": [str(f) for f in sorted(found)],
                      "left": str(math.prod(composites))})
        n = composites.pop()
        if n < SMALL_PRIMES[-1] ** 2 or is_prime(n):
            found.append(n)
        else:
            divisor = find_divisor(n)
            composites += [divisor, n // divisor]
    return sorted(found)


def main():
    text = json.load(sys.stdin).get("number", "")
    if not (isinstance(text, str) and text.isascii() and text.isdigit() and int(text) > 0):
        say(error="the number is not a whole number above 0")
        return DISCARD
    say(result={"factors": [str(f) for f in factorize(int(text))]})
    return 0


if __name__ == "__main__":
    sys.exit(main())
