variable "name" { type = string }
variable "region" { type = string }

resource "terraform_data" "network" {
  input = { name = var.name, region = var.region }
}

resource "terraform_data" "instance" {
  input = { name = var.name, network = terraform_data.network.id }
}

output "name" {
  value = terraform_data.instance.output.name
}
