namespace Emulator.Devices.Storage.Images;

/// <summary>What a check of an image has found.</summary>
/// <param name="Errors">Places that are damaged: data may be lost.</param>
/// <param name="Leaks">Clusters that nobody uses although they count as used: only room is lost.</param>
/// <param name="Allocated">Clusters with data.</param>
/// <param name="Messages">What was found, the first hundred lines.</param>
public sealed record ImageCheckResult(long Errors, long Leaks, long Allocated, IReadOnlyList<string> Messages);
