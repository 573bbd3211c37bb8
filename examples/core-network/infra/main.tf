# `terraform_data` is built into Terraform: this plans, applies and drifts for real, with no provider to download.
variable "vlans" {
  type = list(object({ id = number, name = string }))
  default = [
    { id = 10, name = "servers" },
    { id = 20, name = "storage" },
  ]
}

variable "snmp_community" {
  type      = string
  default   = "change-me-please"
  sensitive = true
}

resource "terraform_data" "vlan" {
  count = length(var.vlans)
  input = var.vlans[count.index]
}

resource "terraform_data" "monitoring" {
  input = { community = var.snmp_community }
}

output "vlan_ids" {
  value = [for vlan in terraform_data.vlan : vlan.output.id]
}

# What the CMDB should hold: `cmdb` in infratrack.yaml turns each of these into a record.
output "vlans" {
  value = [for vlan in terraform_data.vlan : { id = vlan.output.id, name = vlan.output.name }]
}
