/* Where the address of a connection may have come from: /etc/hosts and /etc/resolv.conf as the process sees them, the proxy variables of its
 * environment.
 *
 * Enters: a call that names an IP address, at its entry stop. Leaves: facts of the kinds `hosts` and `resolv-conf` (once an address) and
 * `proxy` (once a program), only where there is something to tell. Of the environment only the proxy variables are looked at, without the passwords in
 * them; nothing else of it is kept. Judges nothing: that the name stands there is no proof that the program looked there. Sources:
 * hosts(5), resolv.conf(5), proc(5), environ(7); the variables as curl(1) and wget(1) have them. */
#ifndef SW_TRACER_ORIGIN_H
#define SW_TRACER_ORIGIN_H

#include "tracer/kernel/identity.h"

struct sw_origins;

struct sw_origins *sw_origins_new(const struct sw_trace_sink *sink, struct sw_identity *identity);
void sw_origins_free(struct sw_origins *origins);
void sw_origins_call(struct sw_origins *origins, const struct sw_call *call);
void sw_origins_forget(struct sw_origins *origins, pid_t pid); /* exec: another environment */

/* ---- between its files ---------------------------------------------------------------------------------------------- */

/* The names that `text` (a hosts file) has for the address, separated by blanks; false: none. Hostile text. */
bool sw_hosts_names(const char *text, const struct sw_ip *ip, char *names, size_t size);
/* Whether `text` (a resolv.conf) names the address as a name server. Hostile text. */
bool sw_resolv_has(const char *text, const struct sw_ip *ip);
/* "http://user:secret@proxy:3128/" without who and what: "http://proxy:3128". */
void sw_proxy_without_secret(char *value);
/* The variable of "http_proxy=..." when it is one of a proxy, as a string that lives for ever; NULL. */
const char *sw_proxy_variable(const char *entry);

#endif
