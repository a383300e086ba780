/* The facts that rules may read, as facts_table.h has them: the sections on what was said, in DNS and in TLS. */
#ifndef SW_CORRELATE_FACTS_TABLE_SAID_H
#define SW_CORRELATE_FACTS_TABLE_SAID_H

/* What a look-up asked and was answered. Set in facts_dns.c. */
#define SW_FACTS_DNS(X)                                                                                                \
	X(TEXT, dns_name, "the name that was asked for")                                                               \
	X(TEXT, dns_type, "the type of record that was asked for")                                                     \
	X(COUNT, dns_queries, "queries that left")                                                                     \
	X(COUNT, dns_responses, "responses that came")                                                                 \
	X(COUNT, dns_addresses, "answers of the asked types in them")                                                  \
	X(COUNT, dns_rcode, "the response code that decides")                                                          \
	X(TEXT, dns_rcode_name, "its name")                                                                            \
	X(FLAG, dns_name_missing, "NXDOMAIN")                                                                          \
	X(FLAG, dns_failed, "the server said that it failed or will not")                                              \
	X(FLAG, dns_only_aside, "only names of addresses, or records that programs do without")                        \
	X(SEEN, dns_query, "the query that the answer belongs to")                                                     \
	X(SEEN, dns_response, "the response that decides")                                                             \
	X(TEXT, dns_server, "who gave it")                                                                             \
	X(TEXT, dns_candidate, "the name that it is about")                                                            \
	X(TEXT, dns_said, "which server said what for which name")                                                     \
	X(TEXT, dns_story, "the same, where it is more than one said one thing")                                       \
	X(TEXT, dns_stub, "what the resolver is where it is on this host")                                             \
	X(COUNT, dns_stub_pid, "the process of this host that answers there")                                          \
	X(FLAG, dns_passed_on, "somebody had asked the program for that name: the answer is passed on")                \
	X(TEXT, dns_service, "a name service of this host that was asked in the resolver's place")                     \
	X(TEXT, dns_service_what, "what it is")                                                                        \
	X(FLAG, dns_service_seen, "and what that one asked itself was seen")                                           \
	X(FLAG, dns_vague, "its answer is \"not found\", which it says too when its own resolvers fail")               \
	X(TEXT, dns_silent, "a server that answered nothing")                                                          \
	X(COUNT, dns_strays, "datagrams of a server, none of which answers a question of this look-up")                \
	X(TEXT, dns_stray_why, "what the first of them had in place of the answer")                                    \
	X(SEEN, dns_stray, "the first of them")                                                                        \
	X(TEXT, dns_missing, "the type of record that nobody answered for")                                            \
	X(SEEN, dns_silent_query, "a query without an answer")                                                         \
	X(SEEN, dns_first_query, "the first query")                                                                    \
	X(FLAG, dns_undelivered, "an answer came, and somebody waited for it in vain")                                 \
	X(FLAG, dns_cut, "an answer was too long for UDP")                                                             \
	X(TEXT, dns_type_wanted, "type of the other family, where addresses of one were found and not used")           \
	X(FLAG, dns_fatal, "the process failed right behind it, and had gone for no other end")                        \
	X(FLAG, dns_no_addresses_asked, "neither A nor AAAA was asked for")                                            \
	X(FLAG, dns_unused,                                                                                            \
	  "addresses of one family were found, and the program failed without going for any of them")                  \
	X(FLAG, dns_found, "the look-up ended with an answer of the asked type")                                       \
	X(SEEN, dns_answer, "that answer")                                                                             \
	X(TEXT, dns_answer_server, "who gave it")                                                                      \
	X(NS, dns_answer_after, "from the first query of the look-up to it")                                           \
	X(NS, dns_answer_took, "from the query that it answers to it")

/* A TLS handshake, as far as it is in the clear. Set in facts_tls.c. */
#define SW_FACTS_TLS(X)                                                                                                \
	X(SEEN, tls_client_hello, "the ClientHello")                                                                   \
	X(SEEN, tls_server_hello, "the ServerHello")                                                                   \
	X(TEXT, tls_name, "the server name that the client asked for (SNI)")                                           \
	X(TEXT, tls_version, "the highest version that the client offers")                                             \
	X(SEEN, tls_done, "the first packet that only a finished handshake lets pass")                                 \
	X(TEXT, tls_chosen, "the version that the server chose")                                                       \
	X(TEXT, tls_cipher, "the cipher suite that it chose, by its number")                                           \
	X(TEXT, tls_protocols, "the application protocols that the client offered (ALPN)")                             \
	X(FLAG, tls_retry, "the server asked for another ClientHello")                                                 \
	X(FLAG, tls_asks_certificate, "the server asked for a certificate of the client, in the clear")                \
	X(TEXT, tls_certificate, "whose certificate the server showed (up to TLS 1.2)")                                \
	X(TEXT, tls_certificate_fault, "what is wrong with it as far as can be seen")                                  \
	X(FLAG, tls_certificate_ours, "we are the server that showed it")                                              \
	X(FLAG, tls_alert_hidden, "the alert is encrypted: known by its length, its place and the close behind it")    \
	X(SEEN, tls_warning, "an alert that the handshake survived")                                                   \
	X(TEXT, tls_warning_name, "its name")                                                                          \
	X(FLAG, tls_warning_ours, "we sent it")                                                                        \
	X(SEEN, tls_alert, "the fatal alert")                                                                          \
	X(TEXT, tls_alert_name, "its name")                                                                            \
	X(COUNT, tls_alert_number, "its number")                                                                       \
	X(FLAG, tls_alert_ours, "we sent it")                                                                          \
	X(SEEN, tls_not, "the answer to the ClientHello that is no TLS")                                               \
	X(FLAG, tls_not_ours, "we gave it")                                                                            \
	X(FLAG, tls_echoed, "the answer to the ClientHello was a ClientHello")                                         \
	X(FLAG, tls_only_peer, "the peer answered our plaintext with a TLS record")                                    \
	X(FLAG, tls_only_ours, "we answered the peer's plaintext with a TLS record")                                   \
	X(FLAG, tls_unanswered, "we closed without a byte in answer to the ClientHello")                               \
	X(FLAG, tls_starved, "we read the ClientHello and answered nothing until the client left")                     \
	X(FLAG, plain_unanswered, "we read a request without TLS and closed without a byte of an answer")              \
	X(FLAG, tls_reads_records, "the program first asked for as many bytes as begin a TLS record")                  \
	X(COUNT, tls_served, "other connections to our port in which the program spoke TLS")                           \
	X(SEEN, tls_refused, "the peer's no to our request to begin TLS on this connection")                           \
	X(FLAG, fin_saw_hello, "the peer's FIN acknowledges bytes of our ClientHello")                                 \
	X(SEEN, tls_left, "the client's close behind the server's certificate, without an alert and without data")     \
	X(FLAG, tls_left_ours, "we are that client")                                                                   \
	X(FLAG, tls_left_behind, "its Finished had left before")                                                       \
	X(COUNT, tls_others_done, "connections between the same ends whose handshakes were used")                      \
	X(FLAG, ended_badly, "and so that it shows: killed, or with another status than 0")                            \
	X(FLAG, said_tls, "it wrote of a certificate, of TLS or of SSL to standard error")

#endif
