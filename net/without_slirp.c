/* SPDX-License-Identifier: Apache-2.0 */
/* The stack of a build without libslirp: there is none, and it says so. */
#include "net/slirp_glue.h"

#include <errno.h>

#include "base/error.h"

struct stack *stack_new(const struct stack_spec *spec, struct error *err)
{
	(void)spec;
	error_set(err, ERROR_NETWORK,
		  "serve a tap device: this sbx-net is built without libslirp");
	error_hint(err, "`--net relay` does without it: TCP and DNS only");
	return NULL;
}

void stack_free(struct stack *stack)
{
	(void)stack;
}

void stack_input(struct stack *stack, const uint8_t *frame, size_t size)
{
	(void)stack;
	(void)frame;
	(void)size;
}

bool stack_version(char *to, size_t size)
{
	(void)to;
	(void)size;
	return false;
}

size_t stack_sockets(const struct stack *stack)
{
	(void)stack;
	return 0;
}

bool stack_can_echo(const struct stack *stack, bool v6)
{
	(void)stack;
	(void)v6;
	return false;
}

int stack_publish(struct stack *stack, enum net_protocol protocol, const struct ip *host,
		  uint16_t host_port, uint16_t guest_port)
{
	(void)stack;
	(void)protocol;
	(void)host;
	(void)host_port;
	(void)guest_port;
	errno = ENOSYS;
	return -1;
}

int stack_unpublish(struct stack *stack, enum net_protocol protocol,
		    const struct ip *host, uint16_t host_port)
{
	(void)stack;
	(void)protocol;
	(void)host;
	(void)host_port;
	errno = ENOSYS;
	return -1;
}
