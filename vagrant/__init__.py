"""The lab of virtual machines: what it does on this host. The Vagrantfile and its ``lab.rb`` bring the machines up."""
