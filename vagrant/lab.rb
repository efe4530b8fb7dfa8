# frozen_string_literal: true

# What the Vagrantfile needs to know: which virtual machines the lab has, and what they are like.
#
# A lab file describes the machines as machines; the cluster.yaml that it names says which there are. Nothing here knows
# of Vagrant, so `ruby lab.rb [LAB_FILE]` prints, as JSON, what is derived, and tests look at that.

require "ipaddr"
require "json"
require "yaml"

module Lab
  # A file that cannot be what is meant; the message says what to change.
  class Problem < StandardError; end

  # A virtual machine: entries of cluster.yaml with one host are one machine, named after the first of them.
  Machine = Struct.new(:name, :address, :managers, :workers, :cpus, :memory, keyword_init: true)

  # All of it: paths are absolute, times in seconds, memory in MiB.
  Site = Struct.new(:cluster, :cluster_file, :box, :boot_timeout, :libvirt, :machines, keyword_init: true)

  KEYS = {
    "cluster" => String, "box" => String, "boot_timeout" => Integer,
    "machine" => Hash, "machines" => Hash, "libvirt" => Hash
  }.freeze
  SIZE = { "cpus" => Integer, "memory" => Integer }.freeze
  LIBVIRT = { "driver" => String, "cpu_mode" => String, "management_network" => String }.freeze
  CPU_MODES = { "kvm" => "host-passthrough", "qemu" => "maximum" }.freeze # by driver, unless given
  LEAST_MEMORY = 512
  NAME = /\A[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\z/.freeze

  module_function

  # The lab that a file describes; raises Problem.
  def read(file)
    lab = mapping(file, load(file), KEYS)
    cluster_file = File.expand_path(lab.fetch("cluster", "cluster.yaml"), File.dirname(file))
    found = load(cluster_file)
    machines = sized(file, lab, hosts(cluster_file, found))
    Site.new(
      cluster: found["cluster"].to_s, cluster_file: cluster_file, box: lab.fetch("box", "okube/lab"),
      boot_timeout: lab.fetch("boot_timeout", 600), libvirt: libvirt(file, lab.fetch("libvirt", {})), machines: machines
    )
  end

  def load(file)
    found = YAML.safe_load(File.read(file), aliases: true)
    raise Problem, "#{file} is no mapping of keys and values." unless found.is_a?(Hash)

    found
  rescue Errno::ENOENT
    raise Problem, "#{file} is not there."
  rescue Psych::Exception => e
    raise Problem, "#{file} is no YAML: #{e.message}"
  end

  # A mapping whose keys and kinds are known.
  def mapping(file, found, kinds, path = "")
    found.each do |key, value|
      kind = kinds[key]
      raise Problem, "#{file}: #{path}#{key} is no key: #{kinds.keys.join(", ")}" if kind.nil?
      raise Problem, "#{file}: #{path}#{key} is #{value.inspect}, which is no #{kind}" unless value.is_a?(kind)
    end
  end

  # The machines that entries of cluster.yaml are on, in its order.
  def hosts(file, found)
    entries = %w[managers workers].flat_map do |kind|
      listed = found.fetch(kind, [])
      raise Problem, "#{file}: #{kind} is no list" unless listed.is_a?(Array)

      listed.map { |entry| [kind, *named(file, kind, entry)] }
    end
    raise Problem, "#{file} names no managers." unless entries.any? { |kind,| kind == "managers" }

    machines = entries.group_by { |_, _, address| address }.map do |address, there|
      names = ->(wanted) { there.select { |kind,| kind == wanted }.map { |_, name,| name } }
      Machine.new(name: there.first[1], address: address, managers: names["managers"], workers: names["workers"])
    end
    one_network(file, machines)
  end

  def named(file, kind, entry)
    name, host = entry.values_at("name", "host") if entry.is_a?(Hash)
    raise Problem, "#{file}: an entry of #{kind} has no name or no host" if name.nil? || host.nil?
    raise Problem, "#{file}: #{name} is no name for a machine: a-z, 0-9 and '-'" unless NAME.match?(name.to_s)

    [name.to_s, host.to_s]
  end

  # The machines share one private network, whose first address is this host's own.
  def one_network(file, machines)
    networks = machines.map do |machine|
      address = ipv4(machine.address)
      raise Problem, "#{file}: #{machine.name} is at #{machine.address}, and a virtual machine needs an IPv4 address " \
                     "of a private network, such as 192.168.56.11" if address.nil? || address.loopback?
      raise Problem, "#{file}: #{machine.name} is at #{machine.address}, which is this host's own address in the lab's " \
                     "network: begin with .2" if address.to_i & 255 == 1

      address.mask(24).to_s
    end
    return machines if networks.uniq.length == 1

    raise Problem, "#{file}: its hosts are in #{networks.uniq.map { |each| "#{each}/24" }.join(" and ")}; " \
                   "a lab has one network, a /24"
  end

  def ipv4(text)
    address = IPAddr.new(text)
    address if address.ipv4?
  rescue IPAddr::Error
    nil
  end

  # The machines with their sizes.
  def sized(file, lab, machines)
    usual = { "cpus" => 1, "memory" => 1024 }.merge(lab.fetch("machine", {}))
    mapping(file, usual, SIZE, "machine.")
    own = lab.fetch("machines", {})
    strangers = own.keys - machines.map(&:name)
    raise Problem, "#{file}: machines.#{strangers.first} is none: they are #{machines.map(&:name).join(", ")}" if strangers.any?

    mapping(file, own, Hash.new(Hash), "machines.")
    machines.each do |machine|
      size = usual.merge(own.fetch(machine.name, {}))
      mapping(file, size, SIZE, "machines.#{machine.name}.")
      raise Problem, "#{file}: #{machine.name} has #{size["memory"]} MiB of memory, and less than #{LEAST_MEMORY} is " \
                     "too little for Debian, Docker and Okube" if size["memory"] < LEAST_MEMORY

      machine.cpus, machine.memory = size.values_at("cpus", "memory")
    end
  end

  # What libvirt is told; the CPU mode follows from the driver unless it is given.
  def libvirt(file, given)
    mapping(file, given, LIBVIRT, "libvirt.")
    driver = given.fetch("driver", "kvm")
    unless CPU_MODES.key?(driver)
      raise Problem, "#{file}: libvirt.driver is #{driver.inspect}: kvm, or qemu, which emulates and needs no hardware"
    end

    { "driver" => driver, "cpu_mode" => CPU_MODES[driver] }.merge(given)
  end

  def to_json(site)
    JSON.pretty_generate(site.to_h.merge(machines: site.machines.map(&:to_h)))
  end
end

if $PROGRAM_NAME == __FILE__
  begin
    puts Lab.to_json(Lab.read(File.expand_path(ARGV.fetch(0, File.join(__dir__, "lab.yaml")))))
  rescue Lab::Problem => e
    abort e.message
  end
end
