using Emulator.Frontend.Roms;
using NUnit.Framework;
using TestRoms;

namespace Emulator.Tests.Frontend;

/// <summary>Every test ROM, whole and with every instruction a call of its own.</summary>
internal sealed class RomTests
{
    [Test]
    public void Rom_passes([ValueSource(typeof(RomCatalog), nameof(RomCatalog.All))] Rom rom, [Values] bool singleStep)
    {
        RomResult result = RomRunner.Run(rom, singleStep);
        Assert.That(result.Failure, Is.Null, result.Output);
        TestContext.Out.WriteLine($"{result.Instructions} instructions");
    }
}
