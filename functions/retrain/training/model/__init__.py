"""Features, neighbours, trees and intervals."""
