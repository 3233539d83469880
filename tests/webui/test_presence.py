"""A visitor is gone when the last connection has ended and none came back."""

import threading
import time

from webui.presence import Presence


def test_a_visitor_is_gone_once_after_the_last_connection_ended():
    gone, told = [], threading.Event()
    presence = Presence(lambda visitor: (gone.append(visitor), told.set()), grace_s=0.05)
    presence.arrive("anna")
    presence.arrive("anna")
    presence.depart("anna")
    assert not told.wait(0.2)
    presence.depart("anna")
    assert told.wait(5) and gone == ["anna"]


def test_a_visitor_whose_connection_breaks_off_and_comes_back_stays():
    gone = []
    presence = Presence(gone.append, grace_s=0.2)
    presence.arrive("anna")
    presence.depart("anna")
    presence.arrive("anna")
    time.sleep(0.5)
    assert gone == []
    presence.depart("anna")
    presence.close()
    time.sleep(0.5)
    assert gone == []  # closed: the folder is deleted as a whole
