variable "region" {
  type    = string
  default = "eu-north-1"
}

variable "workloads" {
  type    = set(string)
  default = ["web-1", "web-2", "web-3"]
}

module "landing_zone" {
  source = "./modules/workload"
  name   = "landing-zone"
  region = var.region
}

module "workload" {
  source   = "./modules/workload"
  for_each = var.workloads
  name     = each.key
  region   = var.region
}

output "region" {
  value = var.region
}

output "workloads" {
  value = [for workload in module.workload : workload.name]
}
