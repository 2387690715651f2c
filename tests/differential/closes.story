# SPDX-License-Identifier: MIT
# Closing: all orders, half close, abort, unread data, linger.

story (opened)
listen
< S
< A
accept

story we close first
use (opened)
close
state
< A
state
< FA
state

story we close first, FIN and ACK together
use (opened)
close
< FA
state

story both close at once
use (opened)
close
< FA ack=N-1
state
< A
state

story the peer closes first
use (opened)
< FA
wait 60
state
recv
close
state
< A
state

story half close by us, data still come
use (opened)
shutdown send
< A
send 10
< PA len=500
wait 60
recv
< FA
state
recv
recv

story half close by the peer, data still go
use (opened)
< FA
wait 60
recv
send 500
< A
send 500
< A
close
< A
state

story shutdown twice
use (opened)
shutdown send
shutdown send
< A
shutdown send
state

story FIN behind data
use (opened)
option nodelay 1
send 300
close
< A
< FA
state

story FIN with data
use (opened)
< FA len=100
wait 60
state
recv
recv
recv

story FIN ahead of a gap
use (opened)
< FA seq=101 len=100
wait 60
state
< PA seq=1 len=100
wait 60
state
recv
recv

story FIN is sent again
use (opened)
close
wait 2500
state

story the peer sends its FIN again
use (opened)
< FA
wait 60
< FA seq=1
state

story FIN again in TIME-WAIT
use (opened)
close
< A
< FA
< FA seq=1
state
wait 300
< FA seq=1

story old data again in TIME-WAIT
use (opened)
< PA len=100
wait 60
recv
close
< A
< FA
< PA seq=1 len=100
wait 60
state

story TIME-WAIT is reused by a later SYN
use (opened)
close
< A
< FA
wait 20
< S seq=5000
wait 20
< A
accept

story TIME-WAIT is not reused by an earlier SYN
use (opened)
close
< A
< FA
< S seq=-5000
wait 20
state

story close with unread data
use (opened)
< PA len=100
wait 60
close
state

story close with unread data ahead of a gap
use (opened)
< PA seq=101 len=100
close
state

story data after close
use (opened)
close
< A
< PA len=100
state

story data after close before our FIN is acknowledged
use (opened)
close
< PA len=100 ack=N-1
state

story abort
use (opened)
abort
state

story abort with data in flight
use (opened)
send 200
abort
state

story abort while opening
connect
abort
state

story abort after the peer closed
use (opened)
< FA
wait 60
abort
state

story abort after both closed
use (opened)
< FA
wait 60
shutdown send
abort
state

story linger 0
use (opened)
option linger 0
close
state

story shutdown of reading
use (opened)
shutdown receive
recv
< PA len=100
wait 60
recv
state

story shutdown of reading with data waiting
use (opened)
< PA len=100
wait 60
shutdown receive
recv
state

story shutdown of reading, then close
use (opened)
shutdown receive
< PA len=100
wait 60
close
state

story shutdown of both
use (opened)
shutdown both
< A
< PA len=100
wait 60
recv
state

story reset
use (opened)
< R
state
recv
recv
send 10

story reset with data waiting
use (opened)
< PA len=100
wait 60
< R
recv
recv
recv

story reset with data to be sent
use (opened)
send 100
< R
error
send 10
recv

story send after the peer reset
use (opened)
< R
send 10
send 10

story reset inside the window
use (opened)
< R seq=R+10
state
< R seq=R
state

story SYN inside the window
use (opened)
< S seq=R+10
state

story FIN-WAIT-2 is left to itself
use (opened)
close
< A
wait 500
state
