/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SBX_TESTS_UNIT_BUNDLES_H
#define SBX_TESTS_UNIT_BUNDLES_H

/*
 * For tests of plan_from_bundle(): documents are written with single quotes, and lie in
 * /srv/bundle. *state holds the plan that was read last.
 */

struct error;
struct plan;

#define ROOT             "'root':{'path':'/'}"
#define PROCESS(members) "'process':{'cwd':'/','args':['sh']" members "}"
#define LINUX(members)   "'linux':{'namespaces':[{'type':'mount'}" members "}"
/* For LINUX(): closes the list of namespaces. */
#define ALONE "]"
#define USER                                                                             \
	",{'type':'user'}],'uidMappings':[{'containerID':0,'hostID':0,'size':1}],"       \
	"'gidMappings':[{'containerID':0,'hostID':0,'size':1}]"

#define BUNDLE_OF(process, rest) "{'ociVersion':'1.0.2'," ROOT "," process "," rest "}"
#define BUNDLE(members, of_linux)                                                        \
	"{'ociVersion':'1.0.2'," ROOT "," PROCESS("") "," LINUX(ALONE of_linux) members  \
		"}"
#define PROCESS_ONLY(members) BUNDLE_OF("'process':{" members "}", LINUX(ALONE))

int bundle_open(void **state);
int bundle_close(void **state);
int bundle_give_back(void **state);

/* Fails the test where the document is refused. */
const struct plan *bundle_read(void **state, const char *text);
struct plan *bundle_plan(void **state);

int bundle_try(void **state, const char *text, struct error *err);

/* The error is "read /srv/bundle/config.json: MESSAGE". */
void bundle_refuses(void **state, const char *text, const char *message);

/* The line is one of those that are not obeyed. */
void bundle_ignores(const struct plan *plan, const char *line);

#endif
