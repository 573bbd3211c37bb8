variable "switches" {
  type = map(object({ role = string, rack = string }))
  default = {
    spine-1 = { role = "spine", rack = "A1" }
    spine-2 = { role = "spine", rack = "B1" }
    leaf-1  = { role = "leaf", rack = "A2" }
    leaf-2  = { role = "leaf", rack = "B2" }
  }
}

resource "terraform_data" "switch" {
  for_each = var.switches
  input    = each.value
}

check "two_spines" {
  assert {
    condition     = length([for switch in var.switches : switch if switch.role == "spine"]) == 2
    error_message = "The fabric needs exactly two spines."
  }
}
