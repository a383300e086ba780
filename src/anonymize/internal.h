/* What the files of this folder share: the map from originals to what stands for them. Nobody else includes this. */
#ifndef SW_ANONYMIZE_INTERNAL_H
#define SW_ANONYMIZE_INTERNAL_H

#include "src/anonymize/anonymize.h"
#include "src/base/mem.h"

struct sw_pseudonyms; /* words given out */
struct sw_masks; /* TLS streams */
struct sw_known_ips; /* addresses mapped so far */
struct sw_application; /* capture/application.h */

#define SW_ANONYMIZE_FRAME 262144u /* the longest frame that a capture gives */

struct sw_anonymizer {
	uint8_t key[16];
	struct sw_known_ips *ips;
	struct sw_pseudonyms *words;
	struct sw_masks *masks;
	struct sw_application *application;
	/* the records lent out last */
	struct sw_socket socket;
	struct sw_call call;
	struct sw_process process;
	struct sw_fact *fact;
	struct sw_limit limit;
	struct sw_capture_status status;
	struct sw_packet packet;
	struct sw_raw_packet raw;
	SW_ARRAY(struct sw_message) messages;
	SW_ARRAY(struct sw_frame) stack;
	SW_ARRAY(struct sw_field) fields;
	SW_ARRAY(char *) texts; /* of the fact lent out */
	SW_ARRAY(const char *) programs; /* names of those that were traced */
	char *command_line, *what, *costs, *why_not, *interfaces;
	uint8_t *frame; /* SW_ANONYMIZE_FRAME bytes */
	struct sw_arena *arena; /* texts of the session */
};

uint64_t sw_anonymizer_hash(const struct sw_anonymizer *anonymizer, uint8_t domain, const void *bytes, size_t length);

/* In place; the bytes are in network order. */
void sw_anonymizer_bytes4(struct sw_anonymizer *anonymizer, uint8_t *bytes);
void sw_anonymizer_bytes16(struct sw_anonymizer *anonymizer, uint8_t *bytes);
void sw_anonymizer_mac(const struct sw_anonymizer *anonymizer, uint8_t mac[6]);
void sw_known_ips_free(struct sw_known_ips *ips);

/* One word (letters and digits, at least one byte) in place: as long as before, another for each, lower case. */
void sw_anonymizer_word(struct sw_anonymizer *anonymizer, char *word, size_t length);
/* All words of a name (host name, label) in place; what stands between them stays. */
void sw_anonymizer_name(struct sw_anonymizer *anonymizer, char *name, size_t length);
void sw_pseudonyms_free(struct sw_pseudonyms *words);
/* Whether something stands for this word already. */
bool sw_anonymizer_knows(const struct sw_anonymizer *anonymizer, const char *word, size_t length);

/* What a program wrote to standard error. Caller frees. */
char *sw_anonymizer_said(struct sw_anonymizer *anonymizer, const char *text);
void sw_anonymizer_program(struct sw_anonymizer *anonymizer, const char *comm); /* its name may stay in such a text */

/* One argument of a command; `program`: the first. Caller frees. */
char *sw_anonymizer_argument(struct sw_anonymizer *anonymizer, const char *text, bool program);

/* One DNS message in place; returns how many bytes of it may be kept. */
size_t sw_anonymizer_dns(struct sw_anonymizer *anonymizer, uint8_t *message, size_t length);
/* The payload of a TCP segment in place: of TLS the structure, versions, suites and alerts stay. Returns how many bytes may be kept:
 * 0 where no TLS can be followed. */
size_t sw_anonymizer_tls(struct sw_anonymizer *anonymizer, const struct sw_packet *packet, uint8_t *payload,
			 size_t length);
void sw_masks_free(struct sw_masks *masks);

/* A LINUX_SLL2 frame in place; returns how many bytes of it may be kept, 0 none. `packet`: what it was decoded to. */
size_t sw_anonymizer_frame(struct sw_anonymizer *anonymizer, const struct sw_packet *packet, uint8_t *frame,
			   size_t captured, size_t wire);
/* The same of what stands above the link layer; `quoted`: inside an ICMP error. */
size_t sw_anonymizer_icmp(struct sw_anonymizer *anonymizer, uint8_t *message, size_t captured, bool v6, bool quoted);
/* the packet that ICMP quotes */
size_t sw_anonymizer_inner(struct sw_anonymizer *anonymizer, uint8_t *header, size_t captured);

#endif
