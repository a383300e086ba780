/* The facts that rules may read: one flat list, made of sections.
 *
 * X(KIND, name, comment). Kinds: FLAG a bool; COUNT, BYTES, ERRNO a number, -1 unknown; NS a duration in nanoseconds, -1
 * unknown; TEXT a string, NULL unknown; SEEN a packet, its id 0 where there is none. The name stands in the reports
 * (JSON: findings[].facts) and between braces in the templates of rules. To add one: add a row here and set it in the
 * facts_*.c of its section. */
#ifndef SW_CORRELATE_FACTS_TABLE_H
#define SW_CORRELATE_FACTS_TABLE_H

#include "correlate/facts/facts_table_said.h"
#include "correlate/facts/facts_table_stream.h"

/* What the calls say of the operation. Set in facts_call.c. */
#define SW_FACTS_CALL(X)                                                                                               \
	X(TEXT, operation, "what was owed: connect, answer, ...")                                                      \
	X(TEXT, call, "the call that the operation began with")                                                        \
	X(TEXT, reported_by, "the call that showed how it ended")                                                      \
	X(TEXT, outcome, "how it ended")                                                                               \
	X(FLAG, failed, "a call returned an error")                                                                    \
	X(FLAG, gave_up, "the application stopped waiting")                                                            \
	X(FLAG, hung, "still owed when the recording ended")                                                           \
	X(FLAG, slow, "it worked, late")                                                                               \
	X(FLAG, answered_no, "the answer was a no: a response code, an alert")                                         \
	X(FLAG, ended_by_eof, "a read returned 0")                                                                     \
	X(FLAG, lost, "calls said success, the bytes never arrived")                                                   \
	X(FLAG, unserved, "a peer of ours was left without service")                                                   \
	X(ERRNO, error, "errno, 0 none")                                                                               \
	X(TEXT, errno_name, "its name")                                                                                \
	X(FLAG, by_opening_call, "the opening call itself returned the error")                                         \
	X(FLAG, at_once, "and did so within the time in which nothing on a network answers")                           \
	X(FLAG, nonblocking, "the socket does not block")                                                              \
	X(NS, duration, "from the enter of the first call to the end of the operation")                                \
	X(NS, call_duration, "of the opening call")                                                                    \
	X(FLAG, is_tcp, "a TCP socket")                                                                                \
	X(FLAG, is_udp, "a UDP socket")                                                                                \
	X(FLAG, is_unix, "an AF_UNIX socket")                                                                          \
	X(FLAG, is_stream, "SOCK_STREAM or SOCK_SEQPACKET")                                                            \
	X(FLAG, v6, "the remote address is IPv6")                                                                      \
	X(TEXT, family, "address family by name")                                                                      \
	X(TEXT, socket_type, "SOCK_STREAM, SOCK_DGRAM, ...")                                                           \
	X(TEXT, protocol, "tcp, udp, ...")                                                                             \
	X(FLAG, other_family, "the address that the call was given is of another family than the socket")              \
	X(FLAG, is_ping, "ICMP: a ping socket, or a raw one")                                                          \
	X(FLAG, family_is_ip, "AF_INET or AF_INET6")                                                                   \
	X(FLAG, opening_connects, "the opening call is connect")                                                       \
	X(FLAG, opening_binds, "the opening call is bind or listen")                                                   \
	X(FLAG, opening_makes, "the opening call makes a socket")                                                      \
	X(FLAG, opening_accepts, "the opening call is accept")                                                         \
	X(FLAG, opening_receives, "the operation began with a receive")                                                \
	X(FLAG, opening_sends, "the opening call sends")                                                               \
	X(FLAG, surfaced_sends, "the call that failed sends")                                                          \
	X(FLAG, surfaced_accepts, "the call that failed is accept")                                                    \
	X(FLAG, injected, "the program's own seccomp filter answered the call")                                        \
	X(TEXT, remote, "address and port of the other end, or the path")                                              \
	X(TEXT, remote_ip, "its address alone")                                                                        \
	X(TEXT, host, "its name where one is known, else the address")                                                 \
	X(COUNT, port, "its port")                                                                                     \
	X(COUNT, peer_port, "where the peer itself has it: another one where it is translated on this host")           \
	X(TEXT, local, "our end")                                                                                      \
	X(COUNT, local_port, "our port")                                                                               \
	X(TEXT, bound, "the address that bind asked for")                                                              \
	X(FLAG, local_loopback, "our end has a loopback address")                                                      \
	X(FLAG, bound_explicitly, "our end was chosen with bind")                                                      \
	X(FLAG, remote_loopback, "a loopback address")                                                                 \
	X(FLAG, remote_ours, "an address of this host")                                                                \
	X(FLAG, remote_link_local, "fe80::/10 or 169.254/16")                                                          \
	X(FLAG, remote_scoped, "it has an IPv6 scope")                                                                 \
	X(FLAG, remote_multicast, "a multicast or broadcast address")                                                  \
	X(FLAG, remote_ends_255, "an IPv4 address that ends in 255")                                                   \
	X(FLAG, remote_any, "0.0.0.0 or ::")                                                                           \
	X(FLAG, remote_mapped, "an IPv4 address on an AF_INET6 socket")                                                \
	X(FLAG, port_privileged, "the port of bind is below 1024")                                                     \
	X(FLAG, broadcast_allowed, "SO_BROADCAST was set")                                                             \
	X(FLAG, fastopen, "TCP fast open")                                                                             \
	X(COUNT, pid, "the process")                                                                                   \
	X(COUNT, fd, "the descriptor")                                                                                 \
	X(TEXT, culprit, "the call that made this one wrong")                                                          \
	X(NS, culprit_before, "how long before this one that call was")                                                \
	X(COUNT, culprit_tid, "the thread that made it")                                                               \
	X(FLAG, culprit_other_thread, "another thread made it")                                                        \
	X(TEXT, deadline, "the timer that ended the wait")                                                             \
	X(TEXT, deadline_whose, "application, socket or kernel")                                                       \
	X(NS, deadline_value, "its value")                                                                             \
	X(NS, deadline_after, "after how long it ended the wait")                                                      \
	X(NS, kernel_would, "how long the kernel would have gone on")                                                  \
	X(FLAG, imported, "log and capture are other tools' files")                                                    \
	X(FLAG, exits_unknown, "the log does not say how long calls took")                                             \
	X(FLAG, attached, "the tool joined in mid-life")                                                               \
	X(COUNT, same_before, "symptoms like this one before it")                                                      \
	X(COUNT, same_end_ok, "connections to the same address and port that worked")                                  \
	X(COUNT, same_host_ok, "connections to the same host on another port that worked")                             \
	X(FLAG, same_host_heard, "a packet came from that host")                                                       \
	X(COUNT, other_hosts_ok, "other hosts that were reached")                                                      \
	X(COUNT, other_family_ok, "connections over the other IP family")

/* What the calls cannot tell and the kernel was asked for. Set in facts_kernel.c. */
#define SW_FACTS_KERNEL(X)                                                                                             \
	X(FLAG, route_known, "the kernel was asked for the route")                                                     \
	X(TEXT, route_type, "unicast, unreachable, blackhole, prohibit, ...")                                          \
	X(ERRNO, route_error, "errno of the look-up")                                                                  \
	X(TEXT, route_errno_name, "its name")                                                                          \
	X(FLAG, route_missing, "there is no route")                                                                    \
	X(FLAG, route_rejecting, "the route says unreachable, prohibit or blackhole")                                  \
	X(FLAG, route_usable, "the look-up found a way out")                                                           \
	X(TEXT, route_gateway, "the next hop's address where it is not the destination")                               \
	X(TEXT, route_device, "the interface")                                                                         \
	X(TEXT, route_source, "the source address")                                                                    \
	X(FLAG, route_device_down, "that interface is down or has no carrier")                                         \
	X(TEXT, next_hop, "the gateway, or the remote address where it is on the link")                                \
	X(TEXT, neighbor_state, "reachable, stale, incomplete, failed, ...")                                           \
	X(FLAG, neighbor_bad, "that state is incomplete or failed")                                                    \
	X(COUNT, port_low, "first ephemeral port")                                                                     \
	X(COUNT, port_high, "last ephemeral port")                                                                     \
	X(COUNT, ports_used, "of them, in use toward this peer")                                                       \
	X(COUNT, ports_waiting, "of those, in TIME_WAIT")                                                              \
	X(COUNT, ports_all, "how many there are")                                                                      \
	X(FLAG, ports_full, "nearly all are in use toward this peer")                                                  \
	X(COUNT, fd_limit, "RLIMIT_NOFILE")                                                                            \
	X(COUNT, fd_count, "descriptors open")                                                                         \
	X(COUNT, fd_sockets, "of them, sockets")                                                                       \
	X(COUNT, fd_system_limit, "how many files the system may have open")                                           \
	X(COUNT, uid, "effective user of the process")                                                                 \
	X(COUNT, seccomp_mode, "0 none, 1 strict, 2 a filter")                                                         \
	X(COUNT, seccomp_filters, "how many, this tool's own included")                                                \
	X(FLAG, seccomp_own, "the program has a filter of its own")                                                    \
	X(FLAG, landlocked, "the process, or what started it, went into a Landlock sandbox before")                    \
	X(COUNT, unprivileged_port_start, "the sysctl")                                                                \
	X(FLAG, may_not_bind_low, "the process lacks CAP_NET_BIND_SERVICE")                                            \
	X(TEXT, cgroup, "the control group of the process")                                                            \
	X(COUNT, ipv6_disabled, "net.ipv6.conf.*.disable_ipv6")                                                        \
	X(COUNT, syn_retries, "net.ipv4.tcp_syn_retries")                                                              \
	X(COUNT, rp_filter, "the reverse path filter's mode")                                                          \
	X(FLAG, address_known, "the kernel was asked whether the address of bind is local")                            \
	X(FLAG, address_local, "it is")                                                                                \
	X(COUNT, firewall_output, "nftables chains with rules at the output hook")                                     \
	X(COUNT, firewall_input, "nftables chains with rules at the input hook")                                       \
	X(COUNT, ipsec_out, "IPsec policies for what leaves")                                                          \
	X(TEXT, holder, "who holds the port")                                                                          \
	X(TEXT, holder_state, "state of the socket that holds it")                                                     \
	X(FLAG, holder_own, "it is another socket of this process")                                                    \
	X(FLAG, path_known, "the path was looked at")                                                                  \
	X(TEXT, path_kind, "what lies there: socket, file, directory, missing, abstract")                              \
	X(FLAG, path_exists, "something is there")                                                                     \
	X(FLAG, path_is_socket, "and it is a socket")                                                                  \
	X(TEXT, path_mode, "its mode in octal")                                                                        \
	X(TEXT, path_owner, "its owner")                                                                               \
	X(TEXT, path_denied, "the part of the path that the process may not pass or write")                            \
	X(TEXT, path_denied_mode, "its mode in octal")                                                                 \
	X(TEXT, path_denied_owner, "its owner")                                                                        \
	X(TEXT, path_missing, "the first part of the path that is not there")                                          \
	X(TEXT, path_type, "type of the socket there")                                                                 \
	X(COUNT, path_listeners, "listening sockets at the path")                                                      \
	X(COUNT, path_queue, "connections or bytes that wait there")                                                   \
	X(COUNT, path_backlog, "how many may wait")                                                                    \
	X(COUNT, path_holder_pid, "the process that has the socket")                                                   \
	X(TEXT, path_holder, "its name and number")                                                                    \
	X(TEXT, tcp_state, "state in TCP_INFO")                                                                        \
	X(COUNT, tcp_unacked, "segments of ours without acknowledgement (TCP_INFO)")                                   \
	X(COUNT, tcp_retransmits, "retransmissions in a row (TCP_INFO)")                                               \
	X(COUNT, tcp_total_retrans, "retransmissions in all (TCP_INFO)")                                               \
	X(TEXT, translated_by_kernel, "where the kernel's connection tracking sends it")                               \
	X(COUNT, rp_filter_drops, "packets that the reverse path filter dropped meanwhile")                            \
	X(COUNT, checksum_drops, "segments and datagrams with a bad checksum that the kernel dropped meanwhile")       \
	X(COUNT, syn_queue_drops, "SYNs that the kernel dropped meanwhile at a full queue of half-open connections")   \
	X(COUNT, listen_drops, "SYNs and ACKs that it dropped meanwhile at listeners, for any reason")                 \
	X(COUNT, syn_cookies, "net.ipv4.tcp_syncookies: 0 never, 1 at a full queue, 2 always")                         \
	X(COUNT, listen_overflows, "accept queue overflows meanwhile")                                                 \
	X(FLAG, waited_alone, "something other than an event loop waited for this socket and no other")                \
	X(FLAG, connected, "the datagram socket has a peer: it takes datagrams of no other")                           \
	X(FLAG, read_before, "the datagram socket has been read from")                                                 \
	X(COUNT, receive_buffer_drops, "datagrams dropped at a full receive buffer meanwhile")                         \
	X(COUNT, socket_drops, "of them, by this socket, since it was made")                                           \
	X(BYTES, socket_buffer, "how much its receive buffer takes (SO_RCVBUF)")                                       \
	X(FLAG, errors_asked, "the program asked for errors of its datagrams (IP_RECVERR)")                            \
	X(COUNT, out_discards, "packets discarded on their way out meanwhile")                                         \
	X(COUNT, ipsec_drops, "packets blocked by an IPsec policy meanwhile")                                          \
	X(COUNT, listen_queue, "connections that wait for accept")                                                     \
	X(COUNT, listen_backlog, "how many may wait")

/* What the tool itself tried after the failure (--probe). Set in facts_probe.c. */
#define SW_FACTS_PROBE(X)                                                                                              \
	X(TEXT, probe_answer, "what a SYN of the tool to the same port got: SYN-ACK, RST, silence, ...")               \
	X(TEXT, probe_hop, "the farthest router that answered a SYN with rising TTL")                                  \
	X(COUNT, probe_hop_ttl, "how many hops away it is")                                                            \
	X(FLAG, probe_ping, "the peer answered a ping of the tool")                                                    \
	X(COUNT, probe_distance, "how many hops away the peer is, as its reply tells")                                 \
	X(COUNT, probe_size_back, "the largest ping with DF that came back, bytes")                                    \
	X(COUNT, probe_size_silent, "the smallest that did not, bytes")

/* What the capture can show at all. Set in facts_packet.c. */
#define SW_FACTS_CAPTURE(X)                                                                                            \
	X(FLAG, packets_seen, "packets of this flow were captured")                                                    \
	X(FLAG, packets_available, "a capture covers this socket's namespace")                                         \
	X(FLAG, absence_counts, "the capture is complete for this flow")                                               \
	X(FLAG, absence_likely, "what is missing was probably not there")                                              \
	X(TEXT, absence_why, "why absence is no evidence")                                                             \
	X(FLAG, linked_by_time, "flow and socket were matched by time, not by ports")                                  \
	X(FLAG, translated, "the packets carry another remote end: translated on this host")                           \
	X(TEXT, translated_to, "that end")                                                                             \
	X(FLAG, on_loopback, "both ends are this host")

/* The handshake and what answered it. Set in facts_packet.c. */
#define SW_FACTS_HANDSHAKE(X)                                                                                          \
	X(COUNT, syns, "SYNs that left, retransmissions included")                                                     \
	X(SEEN, syn, "the first")                                                                                      \
	X(SEEN, last_syn, "the last")                                                                                  \
	X(NS, syn_span, "between the first and the last")                                                              \
	X(SEEN, synack, "the first SYN-ACK")                                                                           \
	X(SEEN, last_synack, "the last")                                                                               \
	X(COUNT, synacks, "SYN-ACKs")                                                                                  \
	X(COUNT, synacks_again, "SYN-ACKs after our acknowledgement of the first")                                     \
	X(NS, synack_after, "from the last SYN before it to the first SYN-ACK")                                        \
	X(NS, synack_after_end, "from the end of the operation to the first SYN-ACK; negative when before")            \
	X(FLAG, synack_late, "it came after the application had stopped waiting")                                      \
	X(SEEN, handshake_ack, "our ACK of the SYN-ACK")                                                               \
	X(SEEN, own_rst, "a RST of ours")                                                                              \
	X(SEEN, challenge_ack, "a bare ACK that answers our SYN")                                                      \
	X(SEEN, rst, "the RST that answers our SYN, or ends the connection")                                           \
	X(FLAG, rst_answers_syn, "it acknowledges our SYN")                                                            \
	X(NS, rst_after, "from the SYN that it answers")                                                               \
	X(COUNT, rst_ttl, "its TTL")                                                                                   \
	X(COUNT, peer_ttl, "TTL of the peer's other packets, from this or another flow")                               \
	X(COUNT, rst_hops_off, "by how many hops that differs from the peer's")                                        \
	X(FLAG, rst_from_gateway, "its TTL is a fresh one although the peer is behind a gateway")                      \
	X(FLAG, rst_from_stranger, "its hop count or id is not the peer's")                                            \
	X(FLAG, rst_on_loopback, "it was seen on a loopback interface")                                                \
	X(TEXT, rst_source, "its source address")                                                                      \
	X(FLAG, established, "the handshake was completed")                                                            \
	X(FLAG, anything_back, "any packet of the peer, or an ICMP about the flow")                                    \
	X(COUNT, bad_checksums, "packets that came with a wrong checksum")                                             \
	X(SEEN, bad_checksum, "the first")                                                                             \
	X(FLAG, sent_data, "data of ours left")                                                                        \
	X(COUNT, data_retransmissions, "retransmissions of our data")

/* ICMP errors about the flow: the one that explains the errno, else the first. Set in facts_packet.c. */
#define SW_FACTS_ICMP(X)                                                                                               \
	X(COUNT, icmps, "ICMP errors of that type and code")                                                           \
	X(TEXT, icmp, "its type and code in words")                                                                    \
	X(COUNT, icmp_type, "its type")                                                                                \
	X(COUNT, icmp_code, "its code")                                                                                \
	X(FLAG, icmp_refuses, "port unreachable")                                                                      \
	X(FLAG, icmp_prohibits, "administratively prohibited")                                                         \
	X(FLAG, icmp_unreaches, "network, host or protocol unreachable, or time exceeded")                             \
	X(FLAG, icmp_too_big, "packet too big")                                                                        \
	X(COUNT, icmp_mtu, "the MTU that it names")                                                                    \
	X(TEXT, icmp_source, "who sent it")                                                                            \
	X(FLAG, icmp_from_peer, "the peer itself")                                                                     \
	X(FLAG, icmp_from_us, "an address of our own")                                                                 \
	X(FLAG, icmp_on_loopback, "seen on a loopback interface")                                                      \
	X(FLAG, icmp_quotes_unseen, "it quotes a packet that is nowhere in the capture")                               \
	X(FLAG, icmp_fits_errno, "its type is what the kernel turns into this errno")                                  \
	X(SEEN, icmp_first, "the first of them")                                                                       \
	X(SEEN, icmp_last, "the last")                                                                                 \
	X(NS, icmp_after, "from the SYN before it")                                                                    \
	X(NS, icmp_after_begin, "from the begin of the operation")

/* Neighbour resolution of the next hop, as the packets show it. Set in facts_packet.c. */
#define SW_FACTS_NEIGHBOR(X)                                                                                           \
	X(COUNT, neighbor_asked, "ARP or neighbour solicitations for the next hop")                                    \
	X(COUNT, neighbor_answered, "answers")                                                                         \
	X(TEXT, neighbor_target, "the address asked for")                                                              \
	X(FLAG, neighbor_is_peer, "that is the peer itself")                                                           \
	X(FLAG, neighbor_unanswered, "unanswered during the operation")                                                \
	X(NS, neighbor_wait, "how long it went unanswered")                                                            \
	X(SEEN, neighbor_ask, "the first question")                                                                    \
	X(SEEN, neighbor_last_ask, "the last")                                                                         \
	X(SEEN, neighbor_answer, "the first answer")

/* What came back for a question. Set in facts_answer.c. */
#define SW_FACTS_ANSWER(X)                                                                                             \
	X(COUNT, datagrams_out, "datagrams of ours that left")                                                         \
	X(COUNT, datagrams_in, "datagrams that came back")                                                             \
	X(FLAG, answer_in_time, "the first of the answer came before the operation ended")                             \
	X(COUNT, answer_repeats, "segments of the answer that came again, unacknowledged by our host")                 \
	X(NS, answers_after, "how long the same end took to answer other datagrams")                                   \
	X(FLAG, ended_sooner, "the recording ended before that time had passed")                                       \
	X(COUNT, answer_incomplete, "datagrams of the other end of which fragments are missing")                       \
	X(SEEN, answer_fragment, "the first fragment of the latest of them")                                           \
	X(NS, reply_after, "from the question to the first datagram that came back")                                   \
	X(NS, reply_unread, "from there to the end of the operation")                                                  \
	X(TEXT, elsewhere, "another end that answered to our port")                                                    \
	X(FLAG, elsewhere_late, "it came after the operation had ended")                                               \
	X(SEEN, elsewhere_packet, "its answer")                                                                        \
	X(BYTES, asked, "bytes that the call asked to move")

/* What we owe others. Set in facts_serve.c. */
#define SW_FACTS_SERVE(X)                                                                                              \
	X(FLAG, listening, "the socket is a listener")                                                                 \
	X(COUNT, peer_syns, "SYNs of the peer")                                                                        \
	X(SEEN, peer_syn, "the first")                                                                                 \
	X(SEEN, peer_last_syn, "the last")                                                                             \
	X(NS, peer_syn_span, "between them")                                                                           \
	X(COUNT, own_synacks, "SYN-ACKs of ours")                                                                      \
	X(COUNT, backlog, "what listen asked for")                                                                     \
	X(COUNT, accepts, "connections that were accepted from the listener")                                          \
	X(NS, request_lay, "how long the request lay here before it was read")                                         \
	X(COUNT, others_unanswered, "other connections to our end, meanwhile, that were never answered")               \
	X(FLAG, answer_begun_in_time, "the answer to its last request had begun when the client went")                 \
	X(FLAG, accept_without_fd, "accept on this listener failed for want of a descriptor before the last SYN")      \
	X(FLAG, owed_nothing, "the client had asked nothing, or had the whole answer when it went")                    \
	X(COUNT, others_half_open, "other connections to our end, meanwhile, that never acknowledged our SYN-ACK")     \
	X(FLAG, answered_before, "bytes of our answer left before the peer had gone")                                  \
	X(FLAG, waited_meanwhile, "a thread waited for it when a SYN or datagram came")                                \
	X(SEEN, own_refusal, "the RST with which our kernel refused the SYN")                                          \
	X(TEXT, came_to, "the address of ours that was asked")                                                         \
	X(TEXT, listens_at, "the address that the listener is bound to")                                               \
	X(FLAG, served_after, "a connection to the same port was accepted right behind")                               \
	X(SEEN, own_synack, "the first SYN-ACK of ours")                                                               \
	X(SEEN, own_last_synack, "the last")                                                                           \
	X(FLAG, final_ack, "the peer's final ACK came")                                                                \
	X(COUNT, peer_datagrams, "datagrams that came")                                                                \
	X(SEEN, peer_datagram, "the first")                                                                            \
	X(NS, left_before_read, "from the leaving of a client to the read of its request")                             \
	X(NS, answer_took, "the longest that a request on this connection waited for our first byte")

/* Further places of capture (--also-on). Set in facts_places.c. */
#define SW_FACTS_PLACES(X)                                                                                             \
	X(COUNT, places, "further places of capture on the way of these packets")                                      \
	X(TEXT, lost_what, "what was lost between two of them")                                                        \
	X(COUNT, lost_count, "how many packets or bytes that were")                                                    \
	X(TEXT, lost_after, "the last place that it passed")                                                           \
	X(TEXT, lost_before, "the place that it never came to")                                                        \
	X(FLAG, lost_inward, "it was on its way to us")                                                                \
	X(COUNT, lost_share, "of what was sent again and made good, percent that had been lost there")                 \
	X(FLAG, lost_on_host, "both places are on this host")                                                          \
	X(FLAG, lost_way_sure, "packets of this connection, or to the same end, were seen at that place")              \
	X(FLAG, lost_way_likely, "by the kernel's word, or other connections, they lead by that place")                \
	X(FLAG, lost_absence_counts, "that place's capture is complete")                                               \
	X(SEEN, lost_seen, "the first of them where it was seen last")                                                 \
	X(SEEN, lost_last, "the last of them")                                                                         \
	X(TEXT, left_by, "the farthest place that our packets passed")                                                 \
	X(TEXT, left_what, "how many of what was waited for")                                                          \
	X(SEEN, left_seen, "the first of it, there")                                                                   \
	X(FLAG, left_all, "all of it")                                                                                 \
	X(TEXT, forwarding_refused, "errno with which this host would refuse to forward the packets")

#define SW_FACT_TABLE(X)                                                                                               \
	SW_FACTS_CALL(X)                                                                                               \
	SW_FACTS_KERNEL(X)                                                                                             \
	SW_FACTS_PROBE(X)                                                                                              \
	SW_FACTS_CAPTURE(X)                                                                                            \
	SW_FACTS_HANDSHAKE(X)                                                                                          \
	SW_FACTS_ICMP(X)                                                                                               \
	SW_FACTS_NEIGHBOR(X)                                                                                           \
	SW_FACTS_STREAM(X)                                                                                             \
	SW_FACTS_ANSWER(X)                                                                                             \
	SW_FACTS_DNS(X)                                                                                                \
	SW_FACTS_TLS(X)                                                                                                \
	SW_FACTS_SERVE(X)                                                                                              \
	SW_FACTS_PLACES(X)

#endif
