"""The real v4l2loopback driver, in a virtual machine: a test should load no modules into the kernel it runs on."""
