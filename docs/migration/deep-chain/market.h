/* A third party's C library: the offers of a market, by account and currency. It knows of no price, and waits for
 * nothing. */
#ifndef MARKET_H
#define MARKET_H

#ifdef __cplusplus
extern "C" {
#endif

struct market;
struct offer {
  int id;
  int account; /* who makes it */
  int target;  /* whose account it leads to */
  int currency;
};

/* Reads lines "account currency target", in the order of accounts and currencies; the first offer's id is 0. Null where
 * the file cannot be read. */
struct market* market_open(const char* path);
void market_close(struct market*);

/* Calls `visit` for each book of an account: its offers in one currency, in a copy that may be put into another order.
 * Ends early where `visit` gives something other than 0, and gives that. */
int market_each_book(const struct market*, int account, int (*visit)(struct offer* book, int count, void* data),
                     void* data);

#ifdef __cplusplus
}
#endif
#endif
