/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sockets that were made inside ahead of time. To ask for one takes the inner half a message
 * and a turn of its loop, so they are asked for in batches, the next one as soon as less than
 * half is left: then clients that come in numbers do not wait for it. TCP asks for nothing before its
 * first client.
 */
#include "net/port_parts.h"

#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
	REQUESTS_MAX = 4,   /* to the inner half, for one kind */
	REFUSED_MS = 10000, /* until one that makes none is asked again */
};

void chain_init(struct chain *chain)
{
	chain->next = chain->before = chain;
}

bool chain_is_empty(const struct chain *chain)
{
	return chain->next == chain;
}

void chain_append(struct chain *chain, struct chain *member)
{
	member->next = chain;
	member->before = chain->before;
	chain->before->next = member;
	chain->before = member;
}

/* Twice is allowed. */
void chain_remove(struct chain *member)
{
	member->next->before = member->before;
	member->before->next = member->next;
	chain_init(member);
}

static struct pool *find_pool(struct pools *pools, const struct pool_kind *kind)
{
	const size_t place = (kind->family == AF_INET6 ? 4U : 0U) +
			     (kind->type == SOCK_DGRAM ? 2U : 0U) +
			     (kind->transparent ? 1U : 0U);

	return &pools->pools[place];
}

void pools_init(struct pools *pools, const struct ports_spec *spec)
{
	memset(pools, 0, sizeof(*pools));
	pools->spec = spec;
	for (size_t i = 0; i < POOL_COUNT; i++)
		chain_init(&pools->pools[i].waiting);
}

void pools_free(struct pools *pools)
{
	for (size_t i = 0; i < POOL_COUNT; i++)
		while (pools->pools[i].count)
			close(pools->pools[i].fds[--pools->pools[i].count]);
}

static void ask(struct pools *pools, struct pool *pool, const struct pool_kind *kind,
		uint32_t count)
{
	pool->requests++;
	pools->spec->want_sockets(pools->spec->context, kind->family, kind->type, count,
				  kind->transparent);
}

void pool_warm(struct pools *pools, const struct pool_kind *kind, uint32_t count)
{
	struct pool *pool = find_pool(pools, kind);

	if (pool->count < count && pool->requests == 0)
		ask(pools, pool, kind, count);
}

/* Half a batch is kept beyond those that are waited for. */
static void refill(struct pools *pools, struct pool *pool, const struct pool_kind *kind)
{
	while (pool->requests < REQUESTS_MAX &&
	       pool->count + PORT_ASK * pool->requests <
		       pool->waiting_count + PORT_ASK / 2)
		ask(pools, pool, kind, PORT_ASK);
}

void pool_take(struct pools *pools, const struct pool_kind *kind, struct want *want)
{
	struct pool *pool = find_pool(pools, kind);
	int fd = -1;

	if (pool->count) {
		fd = pool->fds[--pool->count];
	} else {
		chain_append(&pool->waiting, &want->chain);
		pool->waiting_count++;
		want->pool = pool;
	}
	refill(pools, pool, kind);
	if (fd >= 0)
		want->take(want, fd);
}

void pool_leave(struct want *want)
{
	if (!want->pool)
		return;
	chain_remove(&want->chain);
	want->pool->waiting_count--;
	want->pool = NULL;
}

bool pool_refuses(struct pools *pools, const struct pool_kind *kind)
{
	return find_pool(pools, kind)->refused_until_ms > loop_now_ms(pools->spec->loop);
}

static void give_first(struct pool *pool, int fd)
{
	struct want *want = chain_of(pool->waiting.next, struct want, chain);

	pool_leave(want);
	want->take(want, fd);
}

void pools_fill(struct pools *pools, const struct pool_kind *kind, const int *fds,
		size_t count)
{
	struct pool *pool = find_pool(pools, kind);
	size_t waiting = pool->waiting_count;

	pool->requests -= pool->requests > 0;
	pool->refused_until_ms = count ? 0 : loop_now_ms(pools->spec->loop) + REFUSED_MS;
	for (size_t i = 0; i < count; i++) {
		if (pool->waiting_count)
			give_first(pool, fds[i]);
		else if (pool->count < PORT_POOL_MAX)
			pool->fds[pool->count++] = fds[i];
		else
			close(fds[i]);
	}
	/* Who is refused may come back, but not for this kind in this turn. */
	while (!count && waiting-- && pool->waiting_count)
		give_first(pool, -1);
	if (pool->waiting_count)
		refill(pools, pool, kind);
}
