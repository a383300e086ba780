/* See confine.h: capabilities, and the order of the steps. capabilities(7), prctl(2). */
#include "src/confine.h"

#include <errno.h>
#include <linux/capability.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "src/base/sanitized.h"
#include "src/confine_internal.h"

#define BIT(capability) (UINT64_C(1) << (capability))
/* To open a packet socket, in a namespace of another. */
#define FOR_CAPTURE (BIT(CAP_NET_RAW) | BIT(CAP_SYS_ADMIN))
/* As root, in a folder that is another user's: to rename and remove there. The folders are bounded by landlock. */
#define FOR_FILES (BIT(CAP_DAC_OVERRIDE) | BIT(CAP_FOWNER))

/* Of what we have, `kept` stays. What was left out of the permitted set cannot come back. */
static int keep_capabilities(uint64_t kept)
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct have[_LINUX_CAPABILITY_U32S_3];
	if (syscall(SYS_capget, &header, have) < 0)
		return -errno;
	for (size_t i = 0; i < _LINUX_CAPABILITY_U32S_3; i++) {
		have[i].permitted &= (uint32_t)(kept >> 32 * i);
		have[i].effective = have[i].permitted;
		have[i].inheritable = 0;
	}
	return syscall(SYS_capset, &header, have) < 0 ? -errno : 0;
}

int sw_confine_begin(const struct sw_options *options, const struct sw_outputs *outputs, struct sw_err *err)
{
	for (int capability = 0; capability <= CAP_LAST_CAP; capability++)
		prctl(PR_CAPBSET_DROP, capability, 0, 0,
		      0); /* without CAP_SETPCAP refused, and then of no use to us either */
	prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
	int code = keep_capabilities(FOR_CAPTURE | (outputs->count || options->each_failure ? FOR_FILES : 0));
	if (code < 0)
		return sw_err_set(err, code, "capabilities could not be dropped: %s", strerror(-code));
	if (SW_SANITIZED || options->switches & SW_SWITCH_NO_CONFINE)
		return 0;
	prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return sw_err_set(err, -errno, "no_new_privs could not be set: %s", strerror(errno));
	code = sw_confine_folders(options, outputs, err);
	return code < 0 ? code : sw_confine_calls(options, err);
}

void sw_confine_further(void)
{
	keep_capabilities(FOR_FILES);
}
