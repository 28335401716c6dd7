/* SPDX-License-Identifier: Apache-2.0 */
#include "launcher/network.h"

#include "base/error.h"
#include "base/files.h"
#include "launcher/report.h"
#include "plan/plan.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

enum { RESOLV_CONF_MAX = 8191 }; /* bytes of it that count */

#define RESOLV_CONF "/etc/resolv.conf"

void network_init(struct network *network)
{
	*network = (struct network){ .service = { .control = -1, .sandbox_end = -1 } };
}

int network_start(struct network *network, const struct plan *plan, struct error *err)
{
	if (plan->net.mode == NET_PLAIN)
		return 0;
	(void)stat(RESOLV_CONF, &network->resolv_conf);
	return net_service_start(&plan->net, &network->service, err);
}

static bool is_same(const struct stat *a, const struct stat *b)
{
	return files_same(a, b) && a->st_size == b->st_size &&
	       a->st_mtim.tv_sec == b->st_mtim.tv_sec &&
	       a->st_mtim.tv_nsec == b->st_mtim.tv_nsec;
}

/*
 * Asked for when a name is: nobody has to be woken for a file that nobody needs. sbx-net waits
 * for the answer.
 */
static void look_at_resolv_conf(struct network *network)
{
	char text[RESOLV_CONF_MAX + 1];
	struct stat now = { 0 };
	ssize_t length;

	(void)stat(RESOLV_CONF, &now);
	length = is_same(&now, &network->resolv_conf)
			 ? -1
			 : files_read(AT_FDCWD, RESOLV_CONF, text, RESOLV_CONF_MAX);
	if (length >= 0)
		network->resolv_conf = now;
	(void)net_service_push_resolv_conf(&network->service, length < 0 ? NULL : text,
					   length < 0 ? 0 : (size_t)length);
}

static int explain_end(struct network *network, struct error *err)
{
	int status = 0;

	if (network->failure[0])
		return error_set(err, ERROR_NETWORK, "%s", network->failure);
	net_service_end(&network->service, NULL, &status);
	if (WIFSIGNALED(status))
		return error_set(err, ERROR_NETWORK,
				 "go on without a network: sbx-net was killed by signal "
				 "%d (%s)",
				 WTERMSIG(status), strsignal(WTERMSIG(status)));
	return error_set(err, ERROR_NETWORK,
			 "go on without a network: sbx-net has ended");
}

int network_hear(struct network *network, const struct plan *plan, bool raw,
		 struct error *err)
{
	struct net_notice notice;

	if (net_service_hear(&network->service, &notice) != 1)
		return explain_end(network, err);
	switch (notice.kind) {
	case NET_NOTICE_LINE:
		report_network(notice.text, plan->life.log_format == LOG_JSON, raw);
		break;
	case NET_NOTICE_FAILED:
		snprintf(network->failure, sizeof(network->failure), "%s", notice.text);
		break;
	case NET_NOTICE_RESOLV:
		look_at_resolv_conf(network);
		break;
	case NET_NOTICE_STATS:
		snprintf(network->stats, sizeof(network->stats), "%s", notice.text);
		break;
	case NET_NOTICE_PATHS:
		break;
	}
	return 0;
}

void network_end(struct network *network, const struct plan *plan)
{
	const bool kindly = plan->net.log_file || plan->net.pcap_file || plan->life.stats;
	struct net_notice last = { .text = "" };
	int status;

	net_service_end(&network->service, kindly ? &last : NULL, &status);
	if (last.text[0])
		memcpy(network->stats, last.text, sizeof(network->stats));
}
