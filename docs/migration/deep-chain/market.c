#include "market.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct market {
  struct offer* offers;
  int count;
};

struct market* market_open(const char* path) {
  FILE* file = fopen(path, "r");
  if (!file) return NULL;
  struct market* market = calloc(1, sizeof *market);
  int room = 0;
  struct offer offer;
  while (market && fscanf(file, "%d %d %d", &offer.account, &offer.currency, &offer.target) == 3) {
    if (market->count == room) {
      room = room ? 2 * room : 64;
      struct offer* more = realloc(market->offers, (size_t)room * sizeof *more);
      if (!more) {
        market_close(market);
        market = NULL;
        break;
      }
      market->offers = more;
    }
    offer.id = market->count;
    market->offers[market->count++] = offer;
  }
  fclose(file);
  return market;
}

void market_close(struct market* market) {
  if (market) free(market->offers);
  free(market);
}

int market_each_book(const struct market* market, int account, int (*visit)(struct offer*, int, void*), void* data) {
  int result = 0;
  for (int first = 0, end; first < market->count && result == 0; first = end) {
    const struct offer* book = market->offers + first;
    for (end = first + 1; end < market->count && market->offers[end].account == book->account &&
                          market->offers[end].currency == book->currency;)
      ++end;
    if (book->account != account) continue;
    const size_t size = (size_t)(end - first) * sizeof *book;
    struct offer* copy = malloc(size);
    if (!copy) return -1;
    memcpy(copy, book, size);
    result = visit(copy, end - first, data);
    free(copy);
  }
  return result;
}
